"""What tiles tell about a scene, without writing a raster: statistics, scores."""

from __future__ import annotations

from .working import worked


def gather(plan, work, resources, events):
    """Yield what `work` returns for each tile, in the order in which tiles finish.

    Parameters
    ----------
    plan : Plan
        From `tiles.plan`.
    work : callable
        ``work(tile) -> anything small``; depends on nothing but the tile, and can be imported by name.
    resources : Resources
        Workers, Dask scheduler.
    events : Events
        Progress and cancelling.
    """
    for done, (_, result) in enumerate(worked(work, plan.tiles, resources, events), start=1):
        yield result
        events.progress(done / len(plan.tiles))
