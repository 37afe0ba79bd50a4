"""A model in words: what it needs, where and when it was trained, how good it is and how that was measured, its limits."""
from __future__ import annotations

import math

from ..report import Mark, Report
from ..timeseries.dates import iso_date
from .card import Card, Input
from .fitness import DAYS_PER_YEAR, SEASON_MARGIN_DAYS
from .judgement import NAMES, OWN

SPLITS = {"blocks": "in spatial blocks that served for nothing else",
          "time": "in a time that served for nothing else, at places the model learnt from",
          "random": "drawn at random among the pixels the model learnt from, which flatters"}
ARCHITECTURES = {"fusion": "a transformer over time, one pixel at a time, that lets radar attend to dates",
                 "bigru": "a recurrent network that reads each pixel's series in both directions",
                 "mlp": "a network of layers over ten radar features of a date",
                 "unet": "a U-Net with attention over small images of five dates",
                 "vit": "a vision transformer over patches in space and time"}


def sentences(card: Card) -> list[str]:
    """What the log says of a model."""
    needs = ", ".join(_told(one) for one in card.covariates) or "no covariates"
    return [f"It fills {_told(card.target)} with {needs}; {card.architecture}, {_count(card):,} numbers.",
            f"Trained {_when(card)} {_where(card)}.",
            card.metrics.get("advice") or "It was never evaluated on held-out values."]


def numbers(card: Card) -> dict:
    """The numbers an algorithm hands on; those that were never told are left out."""
    metrics = card.metrics
    found = {"RMSE": metrics.get("rmse"), "RATIO": (metrics.get("linear") or {}).get("ratio"),
             "COVERAGE": metrics.get("coverage_90"), "CHOICE": metrics.get("choice")}
    return {key: value for key, value in found.items() if value is not None}


def page(card: Card, name: str) -> Report:
    """The card as a page; `name` is that of the file."""
    told, metrics = Report(f"What can {name} do?", f"A model that fills {card.target.name}: {_architecture(card)}"), card.metrics
    told.verdict(metrics.get("level") or "warning", metrics.get("advice") or "It was never evaluated on held-out values: "
                                                                            "nobody knows how good it is.")
    for key, value, label, spec in (("RMSE", metrics.get("rmse"), "root mean square error", ".4f"),
                                    ("RATIO", (metrics.get("linear") or {}).get("ratio"), "of linear interpolation's error", ".0%"),
                                    ("R2", metrics.get("r2"), "R²", ".3f"),
                                    ("COVERAGE", metrics.get("coverage_90"), "inside the 90% interval", ".1%")):
        if value is not None:
            told.key(key, value, label, spec)
    _needs(told, card)
    _setting(told, card)
    if metrics:
        _quality(told, card)
    told.section("Limits").text(*limits(card))
    _calibration(told, card)
    versions = ", ".join(f"{package} {version}" for package, version in card.versions.items())
    return told.facts(**{**choices(card), "Weights": f"{_count(card):,} numbers", "Digest": card.sha256, "Versions": versions,
                         "Format": card.format}).number("CARD", card.to_dict())


def choices(card: Card) -> dict:
    """Every choice of the training by name, for people."""
    told = {"architecture": card.architecture, **card.architecture_options, **card.training}
    told.pop("options", None)  # those of the architecture
    return {name.replace("_", " ").capitalize().replace("rmse", "RMSE"): _listed(value) for name, value in told.items()}


def limits(card: Card) -> list[str]:
    """What the model was not made for, in sentences."""
    found = [f"It was trained {_when(card)} {_where(card)}; outside of that 'Fill with a model' warns."]
    days = (iso_date(card.last_date) - iso_date(card.first_date)).days
    if days + 2 * SEASON_MARGIN_DAYS < DAYS_PER_YEAR:
        found.append(f"It saw {days} days of the year only: of other seasons it knows nothing.")
    worse = card.metrics.get("worse_gaps")
    if worse:
        found.append(f"In gaps of {', '.join(worse)} days linear interpolation was better.")
    if card.split == "random":
        found.append("Its scores were taken in the fields it learnt from: elsewhere expect larger errors.")
    if card.covariates:
        found.append(f"All of {', '.join(one.name for one in card.covariates)} must be given, in the units above.")
    return found


def area(card: Card) -> str:
    """The area of training, in degrees."""
    if card.bounds is None:
        return "not told"
    west, south, east, north = card.bounds
    return f"{_degrees(south, 'N', 'S')} to {_degrees(north, 'N', 'S')}, {_degrees(west, 'E', 'W')} to {_degrees(east, 'E', 'W')}"


def _needs(told: Report, card: Card) -> None:
    rows = [("to be filled" if one is card.target else "helps", one.name, _unit(one), one.low, one.high) for one in card.inputs]
    told.section("What it needs").text("Series are found by name and unit, in whatever order they are given, on one grid.")
    told.table("inputs", [("Role", ""), ("Series", ""), ("Unit", ""), ("Trained from", ".3g"), ("to", ".3g")], rows)


def _setting(told: Report, card: Card) -> None:
    rows = [("Dates", f"{card.dates}, {card.first_date} to {card.last_date}, mostly {card.median_step:g} days apart"),
            ("Area", area(card)), ("Reference system", card.crs or "not told"),
            ("Pixels", " x ".join(f"{size:.4g}" for size in card.pixel_size) + " m"), ("Radar orbit", card.orbit or "not told")]
    told.section("Where and when it was trained").table("setting", [("What", ""), ("As the training told", "")], rows)


def _quality(told: Report, card: Card) -> None:
    metrics = card.metrics
    told.section("How good it is, and how that was measured")
    told.text(f"{metrics.get('count', 0):,} clear observations were hidden, {SPLITS[card.split]} ({metrics.get('blocks', 0)} blocks). "
              "The model's error is compared with that of other methods on the same values.")
    rows = [(NAMES[OWN], metrics.get("rmse"), None, "")]
    for method in (method for method in NAMES if method in metrics):
        other = metrics[method]
        level = "good" if (other["upper"] or math.inf) < 1 else "bad" if (other["lower"] or 0) > 1 else ""
        bounds = "" if other["upper"] is None else f"{other['lower']:.2f} to {other['upper']:.2f}"
        rows.append((NAMES[method], other["rmse"], Mark(other["ratio"], level), bounds))
    told.table("methods", [("Method", ""), ("RMSE", ".4f"), ("Model's ratio", ".3f"), ("95% interval", "")], rows)
    gaps = [(label, one["count"], one["rmse"], one["coverage_90"]) for label, one in metrics.get("gaps", {}).items()]
    told.table("gaps", [("Gap (days)", ""), ("n", ",d"), ("RMSE", ".4f"), ("Inside 90%", ".1%")], gaps)


def _calibration(told: Report, card: Card) -> None:
    edges = card.calibration.edges
    classes = [f"up to {edge:g}" for edge in edges] + [f"over {edges[-1]:g}" if edges else "all"]
    told.table("calibration", [("Gap (days)", ""), ("Factor", ".2f")], list(zip(classes, card.calibration.factors)),
               "Standard deviations of the network are multiplied by these, found on blocks that it did not learn from.")


def _listed(value):
    """Dicts and fractions as text; anything else as it is."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_listed(one)}" for name, one in value.items())
    if isinstance(value, (list, tuple)):
        return [_listed(one) for one in value]
    return f"{value:.4g}" if isinstance(value, float) else value


def _architecture(card: Card) -> str:
    said = ARCHITECTURES.get(card.architecture)
    return f"{card.architecture}, {said}" if said else card.architecture


def _count(card: Card) -> int:
    return sum(math.prod(one.shape) for one in card.weights)


def _told(one: Input) -> str:
    return one.name if one.units in ("", "1") else f"{one.name} ({one.units})"


def _unit(one: Input) -> str:
    return {"1": "none", "": "not told"}.get(one.units, one.units)


def _when(card: Card) -> str:
    return f"on {card.dates} dates from {card.first_date} to {card.last_date}"


def _where(card: Card) -> str:
    return f"in {area(card)}" if card.bounds else "in an area it does not tell"


def _degrees(value: float, positive: str, negative: str) -> str:
    return f"{abs(value):.3f}° {positive if value >= 0 else negative}"
