"""The simulated sample scene: an irrigation scheme on the north coast of Java that nobody ever measured.

Every value is computed, none is observed. What makes it worth having is that the truth is known: the NDVI under the
clouds, the dates of every season, the class of every pixel. A method that can't be right here is right nowhere.

`simulate` joins the parts: `fields` (who grows what, and when), `seasons` (the NDVI of a crop and its true dates),
`radar` (VV and VH), `clouds` (what the optical sensor loses). `job` writes it all to disk.
"""

from .simulate import Scene, simulate

__all__ = ["Scene", "simulate"]
