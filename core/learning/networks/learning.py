"""From a sample of a scene to a trained network."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ..priors import prior_of
from ..samples import Part, View, view
from .batch import batch
from .prediction import Model
from .training import VIEWS, Lesson, Training, new_network

# Views of the validation pixels: so many that this number of series, or chips, judges an epoch, but three at the most. On the
# sample scene three views of its 766 pixels took a quarter of all time; one chose the same epoch of bigru.
ENOUGH_TO_JUDGE, MOST_VALIDATION_VIEWS = 512, 3
# Seeds of views tell what they are for; numbers from here on are not training's.
VALIDATION = 1_000_000


@dataclass(frozen=True)
class Choices:
    """What users choose.

    Parameters
    ----------
    architecture : str
    options : dict
        Of the architecture.
    prior : str
    epochs, seed : int
    device : str
        ``cpu`` or ``cuda``.
    """

    architecture: str = "fusion"
    options: dict | None = None
    prior: str = "scene"
    epochs: int = 50
    seed: int = 1
    device: str = "cpu"


class Learning:
    """A network, its prior and its views: learns step by step, and can give its best model at any time.

    Parameters
    ----------
    training, validation : Part
        Of pixels, or days, apart from one another.
    choices : Choices
    events : Events
    """

    def __init__(self, training: Part, validation: Part, choices: Choices, events):
        self.choices, self._part, self._events, sample = choices, training, events, training.own
        self.inputs = sample.inputs()
        self.prior = prior_of(choices.prior).learn(list(sample.values), sample.days, sample.names, choices.seed)
        network = new_network(choices.architecture, self.inputs, choices.options or {}, choices.seed)
        self.training = Training(network, len(sample), choices.epochs, choices.seed, choices.device)
        self._lessons: dict = {}
        views = min(MOST_VALIDATION_VIEWS, -(-ENOUGH_TO_JUDGE * sample.side**2 // len(validation.own)))
        self._validation = [self._lesson(validation, VALIDATION + number) for number in range(views)]

    def run(self, events, keep=lambda training: None) -> None:
        """Train to the end; see `Training.run`."""
        self.training.run(self._training_lesson, self._validation, events, keep)

    def model(self, told=None) -> Model:
        """The best network so far, with its prior; `told` (Events) is warned when a GPU's memory is full."""
        network = new_network(self.choices.architecture, self.inputs, self.choices.options or {}, self.choices.seed)
        network.load_state_dict(self.training.best)
        return Model(network, self.prior, device=self.choices.device, told=told)

    def _training_lesson(self, number: int) -> Lesson:
        number %= VIEWS
        if number not in self._lessons:
            self._lessons[number] = self._lesson(self._part, number).near(self.choices.device)
        return self._lessons[number]

    def _lesson(self, part: Part, number: int) -> Lesson:
        return lesson(view(part, self.prior, [self.choices.seed, number], self._events), part.own.days, self.inputs)


def lesson(seen: View, days: tuple, inputs: tuple) -> Lesson:
    """A view as tensors."""
    target = inputs[0]
    truth = np.where(seen.hidden, (seen.truth - target.centre) / target.scale, 0).astype(np.float32)
    given = batch(seen.shown, days, seen.prior_mean, seen.prior_deviation, days[0], inputs)
    return Lesson(given, torch.from_numpy(truth), torch.from_numpy(seen.hidden))
