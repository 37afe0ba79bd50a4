"""Tiles on a real Dask cluster of two worker processes: the same bytes, also when a worker is killed in mid-run."""

import os
import re
import signal
import subprocess
import sys
import time
from importlib import import_module

import pytest

distributed = pytest.importorskip("distributed", reason="Dask is the engine's extra 'cluster'")

from phenofuse.core import jobs  # noqa: E402
from phenofuse.core.errors import InputError  # noqa: E402
from phenofuse.core.events import Events, Silent  # noqa: E402
from phenofuse.core.gaussian import job as gaussian_job  # noqa: E402
from phenofuse.core.jobs import Resources  # noqa: E402

METHODS = ("fillmogpr", "fillharmonic")
KEYS = ("OUTPUT", "UNCERTAINTY", "QUALITY")
plan = import_module("phenofuse.core.tiles.plan")


class Cluster:
    """A scheduler and two workers, each a process started by Dask's own command line; they know nothing of us."""

    def __init__(self, folder):
        self.folder, self.workers, self.started = folder, [], 0
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        self.log = open(folder / "log", "w+")
        self.options = {"cwd": folder, "env": {**environment, "NUMBA_CACHE_DIR": str(folder / "cache")},
                        "stderr": self.log, "stdout": self.log}
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0")
        self.address = self._wait_for(lambda log: re.search(r"tcp://127\.0\.0\.1:\d+", log))[0]

    def complete(self):
        """Start workers in place of those that died."""
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < 2:
            self.started += 1
            name = f"worker{self.started}"
            self.workers.append(self._start("worker", self.address, "--nthreads", "1", "--name", name, "--no-nanny",
                                            "--local-directory", str(self.folder / name), "--memory-limit", "0"))
        self._wait_for(lambda log: log.count("Registered to") >= self.started)

    def stop(self):
        """End all of it."""
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()
        self.log.close()

    def _start(self, what, *options):
        return subprocess.Popen([sys.executable, "-m", f"distributed.cli.dask_{what}", *options, "--no-dashboard"], **self.options)

    def _wait_for(self, told, seconds=60):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = told((self.folder / "log").read_text())
            if found:
                return found
            time.sleep(0.1)
        raise TimeoutError("the cluster did not start")


@pytest.fixture(scope="module")
def one_cluster(tmp_path_factory):
    """Start the scheduler."""
    started = Cluster(tmp_path_factory.mktemp("dask"))
    yield started
    started.stop()


@pytest.fixture
def cluster(one_cluster):
    """A cluster with two living workers."""
    one_cluster.complete()
    return one_cluster


@pytest.fixture(scope="module", autouse=True)
def quick_learning():
    """Few pixels teach the Gaussian processes here: learning happens before the tiles, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gaussian_job, "SAMPLE_PIXELS", 200)
        yield


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """A scene large enough for many tiles; gives the paths of NDVI, VV and VH."""
    folder = tmp_path_factory.mktemp("series")
    scene, resources = str(folder / "s"), Resources()
    jobs.run("createsamplescene", {"SIZE": 270, "PERIODS": 24, "SEED": 2, "FOLDER": scene}, resources, Silent())
    paths = {name: str(folder / f"{name}.tif") for name in ("NDVI", "VV", "VH")}
    for name, path in paths.items():
        jobs.run("buildtimeseries", {"FOLDER": scene, "VARIABLE": name, "OUTPUT": path}, resources, Silent())
    return list(paths.values())


@pytest.fixture(scope="module")
def by_threads(series, tmp_path_factory):
    """The bytes that threads make of the scene, by method."""
    return {method: fill(method, series, tmp_path_factory.mktemp(method), Resources(64, 2)) for method in METHODS}


def fill(method, series, folder, resources, events=None):
    """Fill and return the bytes of all results."""
    paths = {key: folder / f"{key}.tif" for key in KEYS}
    covariates = {"COVARIATES": series[1:]} if method == "fillmogpr" else {}
    jobs.run(method, {"INPUT": series[0], **covariates, **{key: str(path) for key, path in paths.items()}, "SEED": 1},
             resources, events or Silent())
    return [path.read_bytes() for path in paths.values()]


@pytest.mark.parametrize("method, side", [("fillmogpr", 100), ("fillmogpr", 256), ("fillharmonic", 64)])
def test_a_cluster_makes_the_same_bytes(method, side, cluster, series, by_threads, tmp_path, monkeypatch):
    """Workers that know nothing of us get the code, and their tiles, of whatever side, are those of threads."""
    monkeypatch.setattr(plan, "SIDES", (side,))
    monkeypatch.setattr(plan, "TILES_PER_WORKER", 0)
    assert fill(method, series, tmp_path, Resources(1024, 2, scheduler=cluster.address)) == by_threads[method]


class KillAfter(Events):
    """Kills a process when a share of the job is done."""

    def __init__(self, process, share):
        super().__init__(None)
        self.process, self.share = process, share

    def progress(self, fraction):
        super().progress(fraction)
        if fraction > self.share:
            self.process.send_signal(signal.SIGKILL)


@pytest.mark.parametrize("method", METHODS)
def test_a_worker_killed_in_mid_run_changes_nothing(method, cluster, series, by_threads, tmp_path):
    """The other worker takes over its tiles: the same bytes."""
    resources, killed = Resources(64, 2, scheduler=cluster.address), cluster.workers[-1]
    assert fill(method, series, tmp_path, resources, KillAfter(killed, 0.3)) == by_threads[method]
    assert killed.wait(timeout=10) == -signal.SIGKILL


def test_a_scheduler_that_is_not_there_is_said(series, tmp_path):
    """The sentence names the address."""
    with pytest.raises(InputError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        fill("fillharmonic", series, tmp_path, Resources(64, 2, scheduler="tcp://127.0.0.1:9"))
