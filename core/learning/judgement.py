"""What an evaluation says: scores beside the baselines', and the advice to use the network or something simpler.

A network is worth its trouble only where it beats what needs none: linear interpolation, and the Gaussian process that
learns from the scene without training. Both are judged on the same held-out values by a paired bootstrap of spatial blocks.
"""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..tiles.scores import HONEST, Comparison, ErrorSums, Score, compare
from ..timeseries.classes import GAP_LABELS, LEVEL_LABELS, MONTH_LABELS, gap_class, level_of
from .evaluation import Evaluation

OWN = "mean"
NAMES = {"mean": "this model", "linear": "linear interpolation", "mogpr": "MOGPR", "without_radar": "without radar",
         "permuted_radar": "another pixel's radar"}
DEVIATIONS = {"mean": "standard_deviation", "mogpr": "mogpr_deviation"}
FEWEST_TO_JUDGE = 30  # values; with fewer, a class is shown but nothing is concluded from it
CLASSES = {"gap": GAP_LABELS, "month": MONTH_LABELS, "level": LEVEL_LABELS}


class Advice(NamedTuple):
    """What to do: `choice` is ``model``, ``mogpr``, ``linear`` or ``unclear``; `level` is that of a report's verdict."""

    choice: str
    level: str
    sentence: str


class Judgement:
    """Scores of an evaluation's network and of all it is compared with.

    Parameters
    ----------
    evaluation : Evaluation
    """

    def __init__(self, evaluation: Evaluation):
        self.evaluation = evaluation
        self._classes = {"gap": gap_class(evaluation.gap_days), "month": np.asarray(evaluation.month) - 1,
                         "level": level_of(evaluation.truth)}
        self._blocks = np.unique(evaluation.block, return_inverse=True)[1]
        self.blocks = int(self._blocks.max(initial=-1)) + 1

    def has(self, name: str) -> bool:
        """Whether the evaluation holds anything of a method (a key of `NAMES`)."""
        return bool(np.isfinite(getattr(self.evaluation, name)).any())

    def score(self, name: str = OWN) -> Score:
        """Scores of a method at all held-out values."""
        return self._scores(name, np.zeros(len(self.evaluation.truth), int), 1)[0]

    def by(self, kind: str, name: str = OWN) -> dict[str, Score]:
        """Scores of a method by ``gap``, ``month`` or ``level``, of the classes that hold any value."""
        labels = CLASSES[kind]
        scores = self._scores(name, self._classes[kind], len(labels))
        return {label: score for label, score in zip(labels, scores) if score.count}

    def compared(self, baseline: str, own: str = OWN, gap: str = "") -> Comparison:
        """Error of a method over that of another on the values both have, in all gaps or in one class of them."""
        told = self.evaluation
        error, other = (getattr(told, name) - told.truth for name in (own, baseline))
        used = np.isfinite(error) & np.isfinite(other)
        if gap:
            used &= self._classes["gap"] == GAP_LABELS.index(gap)
        block = self._blocks[used]
        sums = (np.bincount(block, values, self.blocks) for values in (error[used] ** 2, other[used] ** 2))
        return compare(*sums, np.bincount(block, minlength=self.blocks))

    def classes_against_linear(self) -> tuple[list[str], list[str]]:
        """Classes of gap length in which the network is better, and worse, than linear interpolation beyond chance."""
        better, worse = [], []
        for label, score in self.by("gap").items():
            against = self.compared("linear", gap=label)
            if score.count >= FEWEST_TO_JUDGE and against.upper < 1:
                better.append(label)
            elif score.count >= FEWEST_TO_JUDGE and against.lower > 1:
                worse.append(label)
        return better, worse

    def advice(self) -> Advice:
        """Use the network, or use a baseline: in words."""
        own, linear = self.score(), self.compared("linear")
        told = f"At {own.count:,} held-out values its root mean square error is {own.rmse:.3f}"
        if own.count < FEWEST_TO_JUDGE or self.blocks < 2:
            return Advice("unclear", "warning", f"There are too few held-out values ({own.count:,} in {self.blocks} blocks) to "
                                                "tell whether the model is of use: train on a larger area.")
        if own.rmse == 0:
            return Advice("unclear", "bad", f"The model equals all {own.count:,} held-out values: it was shown what should "
                                            "have been hidden from it.")
        if linear.lower > 1:
            return self._qualified("linear", "bad", f"Use linear interpolation. {told}, {_change(linear)} than that of "
                                                    "linear interpolation.")
        return self._against_mogpr(told, linear)

    def _against_mogpr(self, told: str, linear: Comparison) -> Advice:
        rival = self.compared("mogpr") if self.has("mogpr") else None
        if rival and rival.lower > 1:
            return self._qualified("mogpr", "warning", f"Use 'Fill with radar (MOGPR)' (phenofuse:fillmogpr). {told}, "
                                                       f"{_change(rival)} than that of MOGPR, which needs no training.")
        if not linear.upper < 1:
            return self._qualified("unclear", "warning", f"Use it with care. {told}, {_change(linear)} than that of linear "
                                                         "interpolation; that difference may be chance.")
        sentence = f"Use it. {told}, {_change(linear)} than that of linear interpolation"
        if rival and rival.upper < 1:
            sentence += f" and {_change(rival)} than that of MOGPR"
        elif rival:
            sentence += f"; MOGPR, which needs no training, is as good within chance ({_change(rival)})"
        return self._qualified("model", "good", sentence + ".")

    def _qualified(self, choice: str, level: str, sentence: str) -> Advice:
        """The advice with whatever weakens it."""
        own, worse = self.score(), self.classes_against_linear()[1]
        doubts = []
        if worse and choice == "model":
            doubts.append(f"In gaps of {', '.join(worse)} days linear interpolation is better.")
        if not HONEST[0] <= own.coverage_90 <= HONEST[1]:
            wrong = "narrow" if own.coverage_90 < HONEST[0] else "wide"
            doubts.append(f"Its intervals are too {wrong}: those of 90% hold {own.coverage_90:.0%} of the true values.")
        if self.evaluation.split == "random":
            doubts.append("The values were held out at random, from fields it learnt from: elsewhere expect larger errors.")
        return Advice(choice, "warning" if doubts and level == "good" else level, " ".join([sentence, *doubts]))

    def radar(self) -> list[str]:
        """What the covariates bought, in sentences."""
        bought = self.compared("without_radar")
        change = f"With the covariates the error is {_change(bought)} than without them"
        said = [f"{change}." if bought.upper < 1 else f"{change}: train without them." if bought.lower > 1 else
                f"{change}; that may be chance, and training without them would be simpler."]
        if self.has("permuted_radar"):
            null = self.compared("without_radar", own="permuted_radar")
            gain = "there is no gain, as there should be none" if not null.upper < 1 else (
                f"it is {_change(null)} as well: that part of the gain is not what radar saw at the place")
            said.append(f"With another pixel's covariates {gain}.")
        return said

    def metrics(self) -> dict:
        """All scores as plain numbers, None where there is nothing to tell: for the card of the model."""
        own, advice = self.score(), self.advice()
        better, worse = self.classes_against_linear()
        found = {"split": self.evaluation.split, "blocks": self.blocks, "choice": advice.choice, "level": advice.level,
                 "advice": advice.sentence, "better_gaps": better, "worse_gaps": worse, **_plain(own._asdict())}
        for name in (name for name in NAMES if name != OWN and self.has(name)):
            found[name] = {"rmse": _number(self.score(name).rmse), **_plain(self.compared(name)._asdict())}
        found["gaps"] = {label: {"count": score.count, "rmse": _number(score.rmse), "coverage_90": _number(score.coverage_90)}
                         for label, score in self.by("gap").items()}
        return found

    def _scores(self, name: str, group: np.ndarray, groups: int) -> list[Score]:
        told = self.evaluation
        guess = np.asarray(getattr(told, name), float)
        used = np.isfinite(guess)
        spread = np.asarray(getattr(told, DEVIATIONS[name]), float)[used] if name in DEVIATIONS else None
        truth = np.asarray(told.truth, float)[used]
        sums = ErrorSums(groups)
        sums.add_errors(group[used], guess[used] - truth, truth, spread)
        return [sums.score(number) for number in range(groups)]


def _change(compared: Comparison) -> str:
    """``21% smaller (95%: 10 to 30)``, by the ratio and its interval."""
    smaller = compared.ratio < 1
    bounds = sorted(100 * (1 - bound if smaller else bound - 1) for bound in (compared.lower, compared.upper))
    share = abs(1 - compared.ratio)
    told = f"{share:.0%} {'smaller' if smaller else 'larger'}"
    return told if any(map(math.isnan, bounds)) else f"{told} (95%: {bounds[0]:.0f} to {bounds[1]:.0f})"


def _plain(scores: dict) -> dict:
    return {name: _number(value) for name, value in scores.items()}


def _number(value):
    """As JSON knows it."""
    return value if isinstance(value, int) or math.isfinite(value) else None
