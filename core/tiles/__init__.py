"""Working on rasters larger than memory: a plan of tiles, and a run that can be stopped and continued.

`plan` is pure arithmetic. `begin` gives a job its `Journal`, which remembers beside the output what is done already. `run` works the
tiles off in threads (or on a Dask cluster) and gives the outputs their names when all of them are complete.
"""

from .journal import Journal, begin
from .plan import Plan, Tile, plan
from .run import run

__all__ = ["Journal", "Plan", "Tile", "begin", "plan", "run"]
