"""What trained networks leave behind, made up for tests: a card, a history, and errors of known size in blocks and gaps."""
from __future__ import annotations

import numpy as np
from phenofuse.core.learning.card import Calibration, Card, Input
from phenofuse.core.learning.evaluation import Evaluation, Example, History

# Standard deviations of the errors, relative to the model's.
SIZES = {"mean": 1.0, "linear": 1.4, "mogpr": 1.1, "without_radar": 1.2, "permuted_radar": 1.25}
ERROR = 0.05


def an_evaluation(count=4000, blocks=40, seed=0, split="blocks", sizes=None, **changes) -> Evaluation:
    """Values whose errors grow with the gap; `sizes` changes `SIZES`; a size of None leaves a method out."""
    chance = np.random.default_rng(seed)
    sizes = {**SIZES, **(sizes or {})}
    gap = chance.choice([8.0, 15.0, 30.0, 60.0, 100.0, np.inf], count, p=[0.1, 0.2, 0.3, 0.25, 0.1, 0.05])
    day = chance.uniform(0, 365, count)
    truth = np.clip(0.45 + 0.3 * np.sin(2 * np.pi * (day - 110) / 365) + chance.normal(0, 0.1, count), -0.1, 0.95)
    block = chance.integers(0, blocks, count)
    spread = ERROR * (0.6 + np.minimum(gap, 120) / 100)
    shared = chance.normal(0, 0.3, blocks)[block]  # what neighbours err alike, and methods too
    guesses = {name: np.full(count, np.nan) if size is None else
               truth + size * spread * (shared + chance.normal(0, 0.954, count)) for name, size in sizes.items()}
    side = 12
    row, column = ((block // 8) * side + chance.integers(0, side, count), (block % 8) * side + chance.integers(0, side, count))
    told = Evaluation(truth=truth, **guesses, standard_deviation=spread, mogpr_deviation=spread * (sizes["mogpr"] or np.nan),
                      gap_days=gap, month=1 + (day // 30.5).astype(int), row=row, column=column, block=block, split=split,
                      examples=(an_example(seed), an_example(seed + 1)))
    return Evaluation(**{**vars(told), **changes})


def an_example(seed=0) -> Example:
    """A year of one pixel with two months hidden."""
    chance = np.random.default_rng(seed)
    days = 19662.0 + 12 * np.arange(31)
    truth = 0.45 + 0.3 * np.sin(2 * np.pi * (days - 19772) / 365)
    seen, taken = chance.random(31) < 0.6, (days > days[12]) & (days < days[18])
    values = truth + chance.normal(0, 0.03, 31)
    shown, hidden = (np.where(seen & there, values, np.nan) for there in (~taken, taken))
    linear = np.interp(days, days[np.isfinite(shown)], shown[np.isfinite(shown)])
    return Example(days, shown, hidden, truth + 0.01, np.where(taken, 0.06, 0.03), linear, truth - 0.02)


def a_history(epochs=20) -> History:
    """A training that went well."""
    epoch = np.arange(epochs)
    return History(tuple(0.9 * np.exp(-epoch / 5) + 0.1), tuple(0.05 + 0.04 * np.exp(-epoch / 4)),
                   tuple(1e-3 * (1 + np.cos(np.pi * epoch / epochs)) / 2), epochs - 2, 0.095)


def a_card(**changes) -> Card:
    """A card as training writes it."""
    plain = {
        "architecture": "fusion", "architecture_options": {"width": 64, "layers": 2}, "orbit": "descending",
        "crs": "EPSG:32631", "pixel_size": (10.0, 10.0), "bounds": (3.0, 50.5, 3.2, 50.7),
        "inputs": (Input("NDVI", "1", 0.5, 0.2, -0.1, 0.95), Input("VV", "dB", -11.0, 3.0, -20.0, -4.0)),
        "first_date": "2023-11-01", "last_date": "2024-10-26", "dates": 31, "median_step": 12.0, "split": "blocks",
        "training": {"seed": 1, "epochs": 20, "rates": [0.5, 0.25]}, "metrics": {"RMSE": 0.05, "R2": None},
        "calibration": Calibration((10.0, 40.0), (1.1, 1.0, 1.3)), "versions": {"phenofuse": "0.1.0"}}
    return Card(**{**plain, **changes})
