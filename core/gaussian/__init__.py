"""Gaussian processes of several outputs: NDVI and radar as one random field in time.

* `scene` (the default): means and covariances over all dates, learnt from the scene's own incomplete series
  (`scene_learning`: `expectation` shrunk towards its `stationary` part, then `scene_classes`), and the exact fill that follows
  (`scene_kernel` is its compiled arithmetic). Series of many years are a `long_scene`: overlapping stretches, which
  `other_years` helps to learn from few pixels. `scene_file` keeps either.
* `shared`: a linear model of `coregionalisation` for the whole scene; `pixel`: one per pixel. Both go through the
  `state_space` (searched by `optimise`); `dense` solves the same plainly and is the yardstick of the fast ways.

`methods` gives the three one face. `self_check` hides gaps from a sample and scores the fill there; `job` joins rasters and
mathematics, `summary` tells what was learnt and how good it is.
Other topics may use what this face hands out: how a scene is learnt and applied to other dates, its moments, and its arrays;
and a model of any kind, how it is learnt (`learn_kind`) and how it fills.
"""
from .long_scene import apply, moments
from .methods import KINDS, Choices, Options, fill
from .methods import learn as learn_kind
from .scene_file import packed, unpacked
from .scene_learning import learn, learn_checked

__all__ = ["KINDS", "Choices", "Options", "apply", "fill", "learn", "learn_checked", "learn_kind", "moments", "packed", "unpacked"]
