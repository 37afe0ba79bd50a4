"""The job `trainmodel`: sample a scene, train a network on gaps hidden from it, and score it where it never learnt."""
from __future__ import annotations

import math
import platform
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .. import tiles
from ..errors import InputError, OutputError
from ..parameters import given
from ..timeseries import open_together
from ..timeseries.looks import clouds_left
from ..timeseries.sampling import varies
from ..timeseries.series import distinct_names
from ..version import version
from . import chips, evaluate, fitness, gaps, modelfile, samples, splits
from .card import Calibration, Card
from .checkpoint import Checkpoint
from .device import chosen_device, require_torch
from .evaluate import Values
from .judgement import Judgement
from .priors import prior_of
from .report import report

# Series to learn from. On a processor more would take longer without being better by more than a percent or two.
MOST_PIXELS, MOST_PIXELS_GPU = 6000, 60000
# Pixels of a chip are much alike; with fewer chips a network would know few places.
MOST_CHIPS, MOST_CHIPS_GPU = 64, 640
# Some 7 minutes of two cores for fusion on the sample scene; with twice as many it ends 1 % higher at
# held-out values, and 5 % against the truth.
EPOCHS = 50
# Until the calibration pixels were asked, standard deviations are those of the network.
UNCALIBRATED = Calibration((), (1.0,))
SHARE_OF_TRAINING = 0.05, 0.9  # of the bar


def run(parameters: dict, resources, events) -> dict:
    """Train a network on a scene's own cloudy series.

    Parameters
    ----------
    parameters : dict
        INPUT, COVARIATES (a list), MASK; ARCHITECTURE, PRIOR, EPOCHS, SPLIT (``blocks``, ``time`` or ``random``), SEED;
        MODEL, and optionally REPORT.
    """
    require_torch()
    import torch
    torch.set_num_threads(resources.workers)
    device = chosen_device(resources.device, events)
    series = open_together([parameters["INPUT"], *(parameters.get("COVARIATES") or [])], events)
    mask = parameters.get("MASK") or None
    seed, kind = int(given(parameters, "SEED", 1)), parameters.get("SPLIT") or "blocks"
    splits.require_kind(kind)
    prior_of(parameters.get("PRIOR") or "scene")
    journal = tiles.begin("trainmodel", parameters, {})
    sample = _sampled(series, mask, _architecture(parameters), device, seed, events)
    split = splits.split(kind, sample.block, sample.days[0], seed, sample.side**2)
    parts = samples.parts(sample, split)
    events.info(f"{len(sample)} pixels: " + ", ".join(f"{len(part.own)} for {name}" for name, part in parts.items())
                + f"; split by {kind}.")
    trained = _Trained(parameters, series, parts, kind, device, events)
    try:
        trained.learn(Checkpoint(journal.folder), events.step(*SHARE_OF_TRAINING))
        evaluation = trained.judge(events)
    except BaseException:
        trained.save_unjudged(events)
        raise
    card = trained.save()
    found = {"MODEL": parameters["MODEL"]}
    judged = Judgement(evaluation)
    advice = judged.advice()
    (events.info if advice.level == "good" else events.warning)(advice.sentence)
    if parameters.get("REPORT"):
        report(evaluation, trained.learning.training.state.history, card, clouds_left(series[0]),
               Files=[one.name for one in series]).save(parameters["REPORT"])
        found["REPORT"] = parameters["REPORT"]
    own, line = judged.score(), judged.compared("linear")
    numbers = {"RMSE": own.rmse, "MAE": own.mae, "R2": own.r2, "COVERAGE": own.coverage_90, "RATIO": line.ratio}
    return {"outputs": found, "numbers": {key: value for key, value in numbers.items() if math.isfinite(value)}}


class _Trained:
    """A training and what becomes of it: a model file, whole or as far as it came."""

    def __init__(self, parameters: dict, series: list, parts: dict, split: str, device: str, events):
        from .networks.learning import Choices, Learning
        self._parameters, self._series, self._parts, self._split = parameters, series, parts, split
        self.choices = Choices(_architecture(parameters), None, parameters.get("PRIOR") or "scene",
                               int(given(parameters, "EPOCHS", EPOCHS)), int(given(parameters, "SEED", 1)), device)
        events.info(f"Learning the prior ({self.choices.prior}) from {len(parts['training'].own)} pixels.")
        self.learning = Learning(parts["training"], parts["validation"], self.choices, events)
        self.calibration, self.metrics = UNCALIBRATED, {}

    def learn(self, checkpoint: Checkpoint, events) -> None:
        training = self.learning.training
        if checkpoint.take_up(training):
            events.info(f"Continuing after epoch {training.state.epoch} of an earlier run.")

        def keep(training) -> None:
            checkpoint.keep(training)
            _tell(training.state, events)

        self.learning.run(events, keep)

    def judge(self, events):
        """Calibrate the best network on pixels it did not learn from, and score it on pixels that served for nothing else."""
        parts, seed, model = self._parts, self.choices.seed, self.learning.model(events)
        model.calibration = self.calibration = evaluate.calibrated(
            model, *(Values(parts[name], seed, evaluate.CALIBRATION, events) for name in ("validation", "calibration")))
        events.progress(0.93)
        evaluation = evaluate.evaluated(model, Values(parts["test"], seed, evaluate.TEST, events), self._split, seed)
        self.metrics = Judgement(evaluation).metrics()
        events.progress(1)
        return evaluation

    def save_unjudged(self, events) -> None:
        """Write the model as far as it came, neither calibrated nor judged, unless something better has its name."""
        path = Path(self._parameters["MODEL"])
        if path.exists() and not _is_unjudged(path):
            events.warning(f"{path.name} stays what it was before this training; the same call continues the training.")
            return
        with suppress(OutputError):  # what stopped the training is said, and not this too
            self.save()

    def save(self) -> Card | None:
        """Write the model file, in a fraction of a second; None when nothing was learnt yet."""
        if not self.learning.training.state.epoch:
            return None
        choices, state, model = self.choices, self.learning.training.state, self.learning.model()
        told = {**asdict(choices), "options": model.network.options, "epochs run": state.epoch, "best epoch": state.best_epoch,
                "validation rmse": state.best_rmse, "samples": {name: len(part.own) for name, part in self._parts.items()},
                "gaps": gaps.WAYS, "stretch days": list(gaps.STRETCH_DAYS), "overcast days": list(gaps.OVERCAST_DAYS),
                "overcast": gaps.OVERCAST, "no covariate": gaps.NO_COVARIATE,
                "one covariate less": gaps.ONE_LESS, "chip side": self._parts["training"].own.side,
                "flipped and turned": self._parts["training"].own.side > 1, "finished": bool(self.metrics)}
        import torch
        versions = {"phenofuse": version(), "python": platform.python_version(), "numpy": np.__version__,
                    "torch": torch.__version__}
        card = Card(choices.architecture, model.network.options, self.learning.inputs, **fitness.setting(self._series),
                    split=self._split, training=told,
                    calibration=self.calibration if self.metrics else UNCALIBRATED, metrics=self.metrics, versions=versions)
        return modelfile.save(self._parameters["MODEL"], card, model.weights())


def _is_unjudged(path: Path) -> bool:
    """Whether a file is a model whose training was stopped."""
    try:
        return not modelfile.load_card(path).metrics
    except InputError:
        return False


def _tell(state, events) -> None:
    if state.epoch:
        events.info(f"Epoch {state.epoch}: error on validation pixels {state.rmse[-1]:.4f}"
                    + (", kept." if state.best_epoch == state.epoch else f" (kept: {state.best_rmse:.4f}, epoch {state.best_epoch})."))
    else:
        events.info(f"Error of the prior on validation pixels: {state.best_rmse:.4f}.")


def _architecture(parameters: dict) -> str:
    return parameters.get("ARCHITECTURE") or "fusion"


def _sampled(series: list, mask, architecture: str, device: str, seed: int, events) -> samples.Sample:
    from .networks import side_of
    side = side_of(architecture)
    chips.require_room(series[0], side, architecture)
    few, many = (MOST_PIXELS, MOST_PIXELS_GPU) if side == 1 else (MOST_CHIPS, MOST_CHIPS_GPU)
    values, row, column = chips.sample_chips(series, mask, few if device == "cpu" else many, side, seed, events)
    if not len(row):
        raise InputError(f"{series[0].name} holds no observation" + (" inside the mask." if mask else "."),
                         "Check the series with 'Describe time series' (phenofuse:describetimeseries).")
    names = distinct_names(series)
    telling = [number == 0 or varies(one) for number, one in enumerate(values)]
    for name in (name for name, tells in zip(names, telling) if not tells):
        events.warning(f"{name} has no values, or is the same everywhere: it is left out.")
    values, days, names, units = (
        tuple(one for one, tells in zip(ones, telling) if tells)
        for ones in (values, [one.days for one in series], names, [one.units for one in series]))
    block = splits.blocks_of(row - row % side, column - column % side, series[0].grid)
    return samples.Sample(values, days, names, units, row, column, block, side)
