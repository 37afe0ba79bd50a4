"""Deep learning: networks that learn from a cloudy stack itself how its gaps are to be filled, and say how sure they are.

* `samples` are pixels to learn from, `gaps` hides values of them as clouds do, `splits` keeps parts of them apart, `chips` are
  squares of them for networks that look at neighbours, and `priors` are the plain methods that networks start from and correct;
* `networks` holds all that needs torch: architectures, training, prediction;
* `evaluate` asks a trained network for values it never saw; `evaluation` is what comes of it, `judgement` what it says;
* `card` and `modelfile`: what a trained network is, and the one file it is kept in; `checkpoint`: where a training was;
* `fitness`: whether a model suits the series it is asked to fill;
* `report`: how good it is, on values it never saw, in words first; `description`: what a model is, to read.

`job` trains, `filljob` fills, `describejob` describes. torch is an extra of the engine; it is imported only where a network runs.
Other topics may ask a trained network to fill pixels: `Applied`; and why a GPU is not used: `gpu_problem`.
"""
from .applied import Applied
from .device import gpu_problem

__all__ = ["Applied", "gpu_problem"]
