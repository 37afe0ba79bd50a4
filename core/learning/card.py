"""The model card: all that a trained network needs to be used rightly, and all that people need to judge it.

It holds no weights, only their names, kinds and shapes and their digest, so that a file can be refused by its card alone.
"""
from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field, fields
from datetime import date

import numpy as np

from ..errors import InputError
from ..timeseries.dates import iso_date

KIND = "phenofuse model"
FORMAT = 1  # raised when an older Phenofuse could no longer use a file rightly
SPLITS = ("blocks", "time", "random")
# Kinds of numbers that weights may have: name in the safetensors format, name in numpy.
DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "I64": "int64"}
LARGEST = 1e30  # no number of a card comes near it; infinities, NaN and endless integers do not pass

REMEDY = "Take a model that 'Train model' (phenofuse:trainmodel) wrote, and leave the file as it is."
_DIGEST = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[a-z][a-z0-9_]*")
_EARTH = ((-180, 180), (-90, 90), (-180, 180), (-90, 90))


@dataclass(frozen=True)
class Input:
    """A series that the network reads; `(value - centre) / scale` is what it is given.

    `low` and `high` are the 0.5 and 99.5 percentiles of the values it was trained on.
    """

    name: str
    units: str
    centre: float
    scale: float
    low: float
    high: float


@dataclass(frozen=True)
class Calibration:
    """Factors of the network's standard deviations by gap length, from blocks that no weight was learnt from.

    A gap of g days belongs to class i when ``edges[i - 1] < g <= edges[i]``; there is one factor more than edges.
    """

    edges: tuple
    factors: tuple

    def factor(self, gap_days) -> np.ndarray:
        """The factor for each gap length in days; infinite ones belong to the last class."""
        return np.asarray(self.factors)[np.digitize(gap_days, self.edges, right=True)]


@dataclass(frozen=True)
class Weight:
    """An array of the network: its name, the kind of its numbers (see `DTYPES`) and its shape."""

    name: str
    dtype: str
    shape: tuple


@dataclass(frozen=True)
class Card:
    """What a model is.

    Parameters
    ----------
    architecture : str
        Name of the network's kind, such as ``fusion``.
    architecture_options : dict
        Its sizes and switches.
    inputs : tuple of Input
        The target first, then the covariates.
    first_date, last_date : str
        Of the target's dates in training, ``2023-11-01`` (middles of periods).
    dates : int
        How many they were.
    median_step : float
        Days between them.
    orbit : str
        Of the radar, as its header says; '' where unknown.
    crs : str
        Reference system of the training area, for people; '' where unknown.
    pixel_size : (width, height)
        In metres.
    bounds : (west, south, east, north) or None
        Of the training area in degrees; None where the series had no reference system.
    split : str
        How test values were set apart: ``blocks``, ``time`` or ``random``.
    training : dict
        Every choice of the training, among them seed, epochs run, samples and augmentation.
    calibration : Calibration
    metrics : dict
        Scores on held-out values, see `report.metrics`; None stands for what could not be told.
    versions : dict
        Of Phenofuse, Python and the packages that trained it.
    weights : tuple of Weight
        Set when the model is saved.
    sha256 : str
        Digest of ``weights.safetensors``; set when the model is saved.

    Raises
    ------
    InputError
        When something is missing or cannot be right.
    """

    architecture: str
    architecture_options: dict
    inputs: tuple
    first_date: str
    last_date: str
    dates: int
    median_step: float
    orbit: str
    crs: str
    pixel_size: tuple
    bounds: tuple | None
    split: str
    training: dict
    calibration: Calibration
    metrics: dict = field(default_factory=dict)
    versions: dict = field(default_factory=dict)
    weights: tuple = ()
    sha256: str = ""
    kind: str = KIND
    format: int = FORMAT

    def __post_init__(self):
        _require_known(self.kind, self.format)
        _require(_text(self.architecture) and _WORD.fullmatch(self.architecture), "does not name its architecture")
        for name in ("architecture_options", "training", "metrics", "versions"):
            _require(_is_plain(getattr(self, name)), f"holds no plain numbers and words in '{name}'")
        for name in ("orbit", "crs"):
            _require(_text(getattr(self, name)), f"holds no text in '{name}'")
        self._check_inputs()
        self._check_time_and_place()
        _require(self.split in SPLITS, f"tells no split out of {', '.join(SPLITS)}")
        self._check_calibration()
        self._check_weights()

    @property
    def target(self) -> Input:
        """The series that the model fills."""
        return self.inputs[0]

    @property
    def covariates(self) -> tuple:
        """The series that help."""
        return self.inputs[1:]

    def to_dict(self) -> dict:
        """The card as JSON holds it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content) -> Card:
        """The card that `to_dict` gave.

        Raises
        ------
        InputError
            When it is not such a card, in one sentence.
        """
        _require(isinstance(content, dict), "is no model card")
        _require_known(content.get("kind"), content.get("format"))  # first: a newer card may have other fields
        values = _exactly(cls, content, "card")
        values["inputs"] = tuple(Input(**_exactly(Input, one, "input")) for one in _list(values, "inputs"))
        values["weights"] = tuple(_weight(one) for one in _list(values, "weights"))
        calibration = _exactly(Calibration, values["calibration"], "calibration")
        values["calibration"] = Calibration(*(tuple(_list(calibration, name)) for name in ("edges", "factors")))
        values["pixel_size"] = tuple(_list(values, "pixel_size"))
        values["bounds"] = None if values["bounds"] is None else tuple(_list(values, "bounds"))
        return cls(**values)

    def _check_inputs(self) -> None:
        _require(isinstance(self.inputs, tuple) and self.inputs and all(isinstance(i, Input) for i in self.inputs),
                 "names no input")
        for one in self.inputs:
            _require(_text(one.name) and one.name and _text(one.units), "has an input without name or unit")
            numbers = (one.centre, one.scale, one.low, one.high)
            _require(all(map(_number, numbers)) and one.scale > 0 and one.low <= one.high,
                     f"holds no usable scaling of {_short(one.name)}")
        names = [one.name for one in self.inputs]
        _require(len(set(names)) == len(names), "names an input twice")

    def _check_time_and_place(self) -> None:
        first, last = _day(self.first_date), _day(self.last_date)
        _require(first and last and first <= last, "does not say from when to when it was trained")
        _require(_whole(self.dates) and self.dates >= 1, "does not say on how many dates it was trained")
        _require(_number(self.median_step) and self.median_step >= 0, "does not say how far apart its dates were")
        _require(_numbers(self.pixel_size, 2) and min(self.pixel_size) > 0, "holds no size of a pixel")
        fits = self.bounds is None or (_numbers(self.bounds, 4) and self.bounds[1] <= self.bounds[3] and all(
            low <= value <= high for value, (low, high) in zip(self.bounds, _EARTH)))
        _require(fits, "holds no area of training in degrees")

    def _check_calibration(self) -> None:
        own = self.calibration
        fits = isinstance(own, Calibration) and _numbers(own.edges) and _numbers(own.factors, len(own.edges) + 1)
        _require(fits and all(a < b for a, b in zip(own.edges, own.edges[1:])) and min(own.factors) > 0,
                 "holds no usable calibration of its standard deviations")

    def _check_weights(self) -> None:
        _require(isinstance(self.weights, tuple) and all(isinstance(one, Weight) for one in self.weights),
                 "holds no list of weights")
        for one in self.weights:
            sizes = isinstance(one.shape, tuple) and all(_whole(size) and size >= 0 for size in one.shape)
            _require(_text(one.name) and one.name and one.dtype in DTYPES and sizes, "holds no usable list of weights")
        _require(len({one.name for one in self.weights}) == len(self.weights), "names a weight twice")
        _require(self.sha256 == "" or (_text(self.sha256) and _DIGEST.fullmatch(self.sha256)), "holds no digest")


def _require(fine, what: str) -> None:
    if not fine:
        raise InputError(f"The model {what}.", REMEDY)


def _require_known(kind, version) -> None:
    _require(kind == KIND, f"is of kind '{_short(kind)}', not '{KIND}'")
    _require(_whole(version) and version >= 1, "has no format version")
    if version > FORMAT:
        raise InputError(f"The model has format {_short(version)}, and this Phenofuse knows formats up to {FORMAT}.",
                         "Update the plugin, or train the model again with this version.")


def _exactly(kind, content, what: str) -> dict:
    """The fields of a dataclass out of JSON; refuses others and missing ones."""
    _require(isinstance(content, dict), f"holds no {what}")
    names = {one.name for one in fields(kind)}
    for name in sorted(names - set(content)):
        _require(False, f"lacks '{name}' in its {what}")
    for name in sorted(set(content) - names):
        _require(False, f"holds '{_short(name)}' in its {what}, which this version does not know")
    return dict(content)


def _weight(content) -> Weight:
    values = _exactly(Weight, content, "list of weights")
    _require(isinstance(values["dtype"], str), "holds no usable list of weights")
    return Weight(values["name"], values["dtype"], tuple(_list(values, "shape")))


def _list(values: dict, name: str) -> list:
    _require(isinstance(values[name], (list, tuple)), f"holds no list in '{name}'")
    return values[name]


def _text(value) -> bool:
    return isinstance(value, str)


def _whole(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < LARGEST


def _numbers(values, count: int | None = None) -> bool:
    return isinstance(values, tuple) and (count is None or len(values) == count) and all(map(_number, values))


def _day(text) -> date | None:
    try:
        return iso_date(text)
    except (TypeError, ValueError):
        return None


def _is_plain(value) -> bool:
    """Whether a dict survives JSON unchanged: no NaN, no arrays, no names that are not text."""
    try:
        return isinstance(value, dict) and json.loads(json.dumps(value, allow_nan=False)) == value
    except (TypeError, ValueError, RecursionError):
        return False


def _short(value) -> str:
    """A foreign text, short enough for a sentence."""
    text = str(value)
    return text if len(text) <= 40 else text[:40] + "..."
