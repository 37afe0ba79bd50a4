"""The training loop: self-hidden values, early stopping, and a checkpoint after every epoch from which it goes on to the bit."""
from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch

from ..chips import batches
from ..evaluation import History
from . import build
from .batch import Batch
from .memory import Portion
from .network import DAYS_PER_YEAR, Network, whole_chips
from .optimiser import optimisers

# Series at a time: small batches learn most per second, and a step ends in time for a cancel. A view of more than so many of them, as
# a GPU takes it, is shown in so many larger ones. In batches of 512, a tenth of the steps, fusion ended 18 % worse on the sample scene.
BATCH, MOST_STEPS = 32, 128
ASKED_AT_ONCE = 128
# An epoch shows at least so many series: of few pixels, several views of each.
PIXELS_PER_EPOCH = 2048
# Views of the training pixels: each hides other values. They are made once and shown in turn; from 8 on more changed nothing.
VIEWS = 16
# With AdamW alone a rate of 1e-3 took fusion twice as long to the same error on the sample scene, and left bigru
# 8 % worse on a real cube.
LEARNING_RATE, CLIP = 2e-3, 1.0
WARM_UP = 0.05  # share of the steps
# Days by which a batch is moved in time. What is usual on a date is for the prior to know: a network that knew dates by heart would
# be lost on those that clouds hid from all pixels. On the sample scene the error against the truth of missing values fell by 6 %.
LATER = 0.0, DAYS_PER_YEAR
# Standard errors by which one network must be better than another to be told from it. On 237 real series, whose 24 validation pixels
# an epoch passes by chance now and then, one let networks be kept that were 2 % worse than their prior. Where the epoch of the smallest
# error was kept, however small the difference, bigru erred 1.5 % more on the sample scene, and 1 % more on a real cube.
BEYOND_CHANCE = 2.0
# Epochs in a row of which none is kept. While the rate is high the error wanders: after 12 of them, one run of 80 epochs on the
# sample scene ended at a validation error of .0569; another, which differed in rounding alone, went on to .0545.
PATIENCE = 25
# Weight of a value's loss by its variance to this power, so that hard values are not given up (Seitzer et al. 2022).
BETA = 0.5


@dataclass(frozen=True)
class Lesson:
    """A view as tensors: what the network sees, what it should say, and where."""

    batch: Batch
    truth: torch.Tensor
    hidden: torch.Tensor

    def take(self, pixels, later: float = 0.0) -> Lesson:
        """That of some pixels, so many days later."""
        return Lesson(self.batch.take(pixels).shifted(later), self.truth[pixels], self.hidden[pixels])

    def to(self, device) -> Lesson:
        """The same on another device."""
        return Lesson(self.batch.to(device), self.truth.to(device), self.hidden.to(device))

    def near(self, device: str) -> Lesson:
        """The same in the GPU's memory, where all views together fit into half of what is free; else where it is."""
        if device == "cpu":
            return self
        size = sum(one.nbytes for one in (*self.batch, self.truth, self.hidden))
        if 2 * VIEWS * size > torch.cuda.mem_get_info()[0]:
            return self
        return self.to(device)


@dataclass
class State:
    """All that training changes; plain numbers and arrays, so that it can be kept and taken up again."""

    epoch: int = 0
    step: int = 0
    best_epoch: int = 0
    best_rmse: float = math.inf
    untrained_rmse: float = math.nan
    loss: list = field(default_factory=list)
    rmse: list = field(default_factory=list)
    rate: list = field(default_factory=list)

    @property
    def history(self) -> History:
        """The learning curves so far."""
        return History(tuple(self.loss), tuple(self.rmse), tuple(self.rate), self.best_epoch, self.untrained_rmse)


class Training:
    """One network in training.

    Kept is the last network whose validation error is not larger than the smallest so far beyond chance, if it is smaller than that
    of the untrained one, which is its prior, beyond chance (by the standard error of the difference over pixels, or chips). With few
    pixels noise looks like a gain; and the smallest of many errors is small in part by luck, while the last networks, whose steps
    were small, are the steadiest.

    Parameters
    ----------
    network : Network
    pixels : int
        Of every view.
    epochs, seed : int
    device : str
        ``cpu`` or ``cuda``.
    """

    def __init__(self, network: Network, pixels: int, epochs: int, seed: int, device: str = "cpu"):
        self.network, self.epochs, self.seed, self.device = network.to(device), epochs, seed, torch.device(device)
        self.optimisers = optimisers(network)
        self._pixels, self._passes = pixels, -(-PIXELS_PER_EPOCH // pixels)
        self._steps = min(MOST_STEPS, -(-pixels // whole_chips(BATCH, network.side)))  # per view
        self._learning, self._asking = (Portion(count, network.side) for count in (-(-pixels // self._steps), ASKED_AT_ONCE))
        self.state, self.best, self.untrained, self.smallest = State(), None, None, None

    def run(self, lesson, validation: list, events, keep) -> None:
        """Train until the last epoch, or until none was kept for long.

        Parameters
        ----------
        lesson : callable
            ``lesson(number) -> Lesson``, the view of that number.
        validation : list of Lesson
        events : Events
            Progress and cancelling.
        keep : callable
            ``keep(self)``, called after every epoch.
        """
        state = self.state
        if self.best is None:
            self._judge(validation, events)
            keep(self)
        while state.epoch < self.epochs and state.epoch - state.best_epoch < PATIENCE:
            self._epoch(lesson, events)
            self._judge(validation, events)
            keep(self)

    def _epoch(self, lesson, events) -> None:
        state, losses = self.state, []
        torch.manual_seed(self.seed * 100_003 + state.epoch)  # of what mlp drops
        chance = np.random.default_rng([self.seed, state.epoch])
        steps = self._passes * self._steps
        self.network.train()
        for turn in range(self._passes):
            own = lesson((state.epoch * self._passes + turn) % VIEWS)
            for some in batches(self._pixels, self.network.side, self._steps, chance):
                events.progress((state.epoch + len(losses) / steps) / self.epochs)
                shown = own.take(torch.from_numpy(some).to(own.truth.device), chance.uniform(*LATER))
                losses.append(self._step(shown, steps, events))
        state.loss.append(float(np.mean(losses)))
        state.epoch += 1

    def _step(self, lesson: Lesson, steps_per_epoch: int, events) -> float:
        state = self.state
        loss = self._learning.fitting(partial(self._gradient, lesson), events)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), CLIP)
        rate = _rate(state.step, steps_per_epoch * self.epochs)
        for optimiser in self.optimisers:
            optimiser.param_groups[0]["lr"] = rate
            optimiser.step()
        state.step += 1
        return loss

    def _gradient(self, lesson: Lesson, at_once: int) -> float:
        """The mean loss over a batch, and its gradient, summed up over parts of `at_once` pixels.

        Parts change nothing but rounding, what dropout draws, and of a network with batch normalisation (mlp) the batches.
        """
        values, loss = int(lesson.hidden.sum()), 0.0
        self.network.zero_grad()
        for start in range(0, lesson.batch.pixels, at_once):
            part = lesson.take(slice(start, start + at_once)).to(self.device)
            with torch.autocast("cuda", torch.bfloat16, enabled=self.device.type == "cuda"):
                mean, scale = self.network(part.batch)
            own = _loss(mean[part.hidden], scale[part.hidden], part.truth[part.hidden]) / max(values, 1)
            own.backward()
            loss += own.item()
        return loss

    def _judge(self, validation: list, events) -> None:
        """The error on validation values, and the weights kept when it is as good as any so far."""
        state = self.state
        squares, count = self._squares(validation, events)
        rmse = math.sqrt(squares.sum() / max(count, 1)) * self.network.inputs[0].scale
        if self.best is None:
            self.untrained = self.smallest = squares
            state.untrained_rmse = rmse
        else:
            state.rmse.append(rmse)
            state.rate.append(self.optimisers[0].param_groups[0]["lr"])
        self.smallest = min(self.smallest, squares, key=np.sum)
        if self.best is None or (_less(squares, self.untrained) and not _less(self.smallest, squares)):
            state.best_rmse, state.best_epoch = rmse, state.epoch
            self.best = {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}

    def _squares(self, validation: list, events) -> tuple[np.ndarray, int]:
        """Sums of squared errors of each validation pixel, or chip, and the number of values."""
        squares, count = np.zeros(validation[0].batch.pixels // self.network.side**2), 0
        for lesson in validation:
            mean, _ = self._asking.fitting(partial(asked, self.network, lesson.batch, self.device, events), events)
            error = torch.where(lesson.hidden, mean - lesson.truth, 0.0).double()
            squares, count = squares + error.square().sum(1).reshape(len(squares), -1).sum(1).numpy(), count + int(lesson.hidden.sum())
        return squares, count

    def to_arrays(self) -> tuple[dict, dict]:
        """All of it, as arrays and as plain numbers."""
        arrays = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        arrays |= {f"best.{name}": value for name, value in self.best.items()}
        for which, optimiser in enumerate(self.optimisers):
            for number, own in optimiser.state_dict()["state"].items():
                arrays |= {f"optimiser.{which}.{number}.{name}": value for name, value in own.items()}
        found = {name: value.detach().cpu().numpy() for name, value in arrays.items()}
        return {**found, "untrained.squares": self.untrained, "smallest.squares": self.smallest}, vars(self.state)

    def take_up(self, arrays: dict, numbers: dict) -> None:
        """Go on from what `to_arrays` gave."""
        parts: dict = {"network": {}, "best": {}, "optimiser": {}, "untrained": {}, "smallest": {}}
        for name, value in arrays.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = torch.from_numpy(np.array(value))
        self.network.load_state_dict(parts["network"])
        self.best = parts["best"]
        self.untrained, self.smallest = (parts[name]["squares"].numpy() for name in ("untrained", "smallest"))
        content = [optimiser.state_dict() for optimiser in self.optimisers]
        for name, value in parts["optimiser"].items():
            which, number, kind = name.split(".")
            content[int(which)]["state"].setdefault(int(number), {})[kind] = value
        for optimiser, own in zip(self.optimisers, content):
            optimiser.load_state_dict(own)
        self.state = State(**numbers)


def new_network(name: str, inputs: tuple, options: dict, seed: int) -> Network:
    """A network whose first weights depend on the seed alone."""
    torch.manual_seed(seed)
    return build(name, inputs, options)


@torch.no_grad()
def asked(network: Network, batch: Batch, device, events, at_once: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and scale (pixels, outputs) of a network given `at_once` pixels at a time, on the processor."""
    network.eval()
    parts = []
    for start in range(0, batch.pixels, at_once):
        events.check()
        parts.append([one.cpu() for one in network(batch.take(slice(start, start + at_once)).to(device))])
    return tuple(torch.cat(one) for one in zip(*parts))


def _less(squares: np.ndarray, others: np.ndarray) -> bool:
    """Whether pixels' squared errors are less than those of another network, beyond chance."""
    less = others - squares
    return less.sum() > BEYOND_CHANCE * math.sqrt(len(less)) * less.std()


def _rate(step: int, steps: int) -> float:
    """Up in a line, then down along half a cosine (Loshchilov & Hutter 2017)."""
    warm = max(1, round(WARM_UP * steps))
    if step < warm:
        return LEARNING_RATE * (step + 1) / warm
    return LEARNING_RATE * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _loss(mean, scale, truth) -> torch.Tensor:
    """Negative log likelihood of a normal distribution, weighted by variance^beta, summed."""
    loss = scale.log() + 0.5 * ((truth - mean) / scale).square()
    return (scale.detach() ** (2 * BETA) * loss).sum()
