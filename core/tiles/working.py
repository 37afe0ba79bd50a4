"""Tiles at work: in threads, or on a Dask cluster."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager

from .cluster import cluster_executor

SECONDS_BETWEEN_CHECKS = 0.2


def worked(work, todo, resources, events):
    """Yield (tile, result) as tiles finish, with no more of them in hand than the workers need.

    Parameters
    ----------
    work : callable
        ``work(tile)``; depends on nothing but the tile, and can be imported by name.
    todo : sequence of Tile
    resources : Resources
        `workers` threads here, or `scheduler`, the address of a cluster.
    events : Events
        Asked several times a second whether to stop.
    """
    with cluster_executor(resources.scheduler) if resources.scheduler else _threads(resources.workers) as (executor, most):
        waiting, running = list(reversed(todo)), {}
        try:
            while waiting or running:
                while waiting and len(running) < most:
                    tile = waiting.pop()
                    running[executor.submit(work, tile)] = tile
                finished, _ = wait(running, timeout=SECONDS_BETWEEN_CHECKS, return_when=FIRST_COMPLETED)
                events.check()
                for future in finished:
                    yield running.pop(future), future.result()
        finally:
            for future in running:
                future.cancel()


@contextmanager
def _threads(count: int):
    executor = ThreadPoolExecutor(count, thread_name_prefix="tile")
    try:
        yield executor, count
    finally:
        executor.shutdown(wait=False)  # nobody wants what is still running
