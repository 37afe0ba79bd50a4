"""Tiles on a real Dask cluster of two worker processes: the same bytes, also when a worker is killed in mid-run."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

distributed = pytest.importorskip("distributed", reason="Dask is the engine's extra 'cluster'")

from phenofuse.core.errors import InputError  # noqa: E402
from phenofuse.core.events import Events, Silent  # noqa: E402
from phenofuse.core.jobs import Resources, run  # noqa: E402


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler and two workers, each started by Dask's own command line; gives the address and the workers."""
    folder = tmp_path_factory.mktemp("dask")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}  # they know nothing of us
    options = {"cwd": folder, "env": {**environment, "NUMBA_CACHE_DIR": str(folder / "cache")}}
    log = open(folder / "scheduler.log", "w+")
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    processes = [subprocess.Popen(command, stderr=log, stdout=log, **options)]
    address = _wait_for(lambda: re.search(r"tcp://127\.0\.0\.1:\d+", (folder / "scheduler.log").read_text()))
    for name in ("a", "b"):
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "distributed.cli.dask_worker", address[0], "--nthreads", "1", "--name", name,
                 "--no-dashboard", "--local-directory", str(folder / name), "--memory-limit", "0", "--no-nanny"],
                stderr=log, stdout=log, **options,
            )
        )  # fmt: skip
    _wait_for(lambda: (folder / "scheduler.log").read_text().count("Registered to") >= 2)
    yield address[0], processes[1:]
    for process in reversed(processes):
        process.kill()
        process.wait()
    log.close()


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """A scene large enough for many tiles, and the bytes that threads make of it."""
    folder = tmp_path_factory.mktemp("series")
    run("createsamplescene", {"SIZE": 160, "PERIODS": 24, "SEED": 2, "FOLDER": str(folder / "s")}, Resources(), Silent())
    run("buildtimeseries", {"FOLDER": str(folder / "s"), "VARIABLE": "NDVI", "OUTPUT": str(folder / "ndvi.tif")},
        Resources(), Silent())  # fmt: skip
    return str(folder / "ndvi.tif"), fill(str(folder / "ndvi.tif"), folder / "threads.tif", Resources(64, 2))


def fill(source, target, resources, events=None):
    """Fill and return the bytes of the result."""
    run("fillharmonic", {"INPUT": source, "OUTPUT": str(target), "SEED": 1}, resources, events or Silent())
    return target.read_bytes()


def test_a_cluster_makes_the_same_bytes(cluster, series, tmp_path):
    """Workers that know nothing of us get the code, and their tiles are those of threads."""
    assert fill(series[0], tmp_path / "o.tif", Resources(64, 2, scheduler=cluster[0])) == series[1]


class KillAfter(Events):
    """Kills a process when a share of the job is done."""

    def __init__(self, process, share):
        super().__init__(None)
        self.process, self.share = process, share

    def progress(self, fraction):
        super().progress(fraction)
        if fraction > self.share:
            self.process.send_signal(signal.SIGKILL)


def test_a_worker_killed_in_mid_run_changes_nothing(cluster, series, tmp_path):
    """The other worker takes over its tiles: the same bytes."""
    address, workers = cluster
    assert fill(series[0], tmp_path / "o.tif", Resources(64, 2, scheduler=address), KillAfter(workers[0], 0.3)) == series[1]
    assert workers[0].wait(timeout=10) == -signal.SIGKILL


def test_a_scheduler_that_is_not_there_is_said(series, tmp_path):
    """The sentence names the address."""
    with pytest.raises(InputError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        fill(series[0], tmp_path / "o.tif", Resources(64, 2, scheduler="tcp://127.0.0.1:9"))


def _wait_for(condition, seconds=60):
    """What the condition gives once it is true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.1)
    raise TimeoutError("the cluster did not start")
