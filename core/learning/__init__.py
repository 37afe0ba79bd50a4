"""Deep learning: networks that learn from a cloudy stack itself how its gaps are to be filled, and say how sure they are.

* `card` and `modelfile`: what a trained network is, and the one file it is kept in;
* `fitness`: whether a model suits the series it is asked to fill;
* `report`: how good it is, on values it never saw, in words first.

torch is an extra of the engine; it is imported only where a network runs.
"""
