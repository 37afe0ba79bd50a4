"""An existing Dask cluster in place of threads.

Its workers read the inputs from storage they share with this process; the engine's own code travels to them (also
to workers that join later, or again after they died), so that nothing of ours has to be installed there. They need
the packages of the engine's environment in the same versions: the same tile then gives the same bits.
"""
from __future__ import annotations

import io
import zipfile
from contextlib import contextmanager
from pathlib import Path

from ..errors import InputError, MissingExtraError

SECONDS_TO_ANSWER = "10s"
RETRIES = 3  # of a tile whose worker died
TILES_PER_THREAD = 2  # one at work and one waiting, so that no thread idles while results travel


@contextmanager
def cluster_executor(address: str):
    """An executor on the cluster at `address`, and how many tiles to keep in hand.

    Raises
    ------
    MissingExtraError
        When the engine has no Dask.
    InputError
        When no scheduler answers, or it has no worker.
    """
    try:
        from distributed import Client
    except ImportError as missing:
        raise MissingExtraError(
            "A Dask scheduler is set, but the engine has no Dask.",
            "Run 'Set up engine' (phenofuse:setupengine) with EXTRAS=cluster, or clear SCHEDULER.") from missing
    try:
        client = Client(address, timeout=SECONDS_TO_ANSWER, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as problem:
        raise InputError(f"No Dask scheduler answers at {address}.",
                         "Start it, correct SCHEDULER, or clear SCHEDULER to work on this machine.") from problem
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise InputError(f"The Dask scheduler at {address} has no worker.", "Start workers, then run this again.")
        client.register_plugin(_code_carrier())
        with client.get_executor(pure=False, retries=RETRIES) as executor:
            yield _Packed(executor), TILES_PER_THREAD * threads


class _Packed:
    """Hands calls to an executor as closed parcels: Dask's scheduler opens tasks too, and has none of our code."""

    def __init__(self, executor):
        self._executor = executor

    def submit(self, work, tile):
        import cloudpickle

        def opened(parcel):
            import cloudpickle
            work, tile = cloudpickle.loads(parcel)
            return work(tile)

        return self._executor.submit(opened, cloudpickle.dumps((work, tile)))


def _code_carrier():
    """A worker plugin that brings the engine's code.

    A class of this function's own travels whole; one of the module's would have to be importable there already.
    """
    from distributed import WorkerPlugin

    class CodeCarrier(WorkerPlugin):
        name = "phenofuse-engine"
        idempotent = False

        def __init__(self, archive):
            self.archive = archive

        def setup(self, worker):
            import importlib.util
            import io
            import os
            import sys
            import zipfile
            folder = os.path.join(worker.local_directory, "phenofuse-engine", "phenofuse")
            with zipfile.ZipFile(io.BytesIO(self.archive)) as files:
                for name in files.namelist():
                    target = os.path.join(folder, *name.split("/"))
                    os.makedirs(os.path.dirname(target), exist_ok=True)
                    with open(target, "wb") as file:
                        file.write(files.read(name))
            for known in [name for name in sys.modules if name.split(".")[0] == "phenofuse"]:
                del sys.modules[known]
            spec = importlib.util.spec_from_file_location("phenofuse", os.path.join(folder, "__init__.py"),
                                                          submodule_search_locations=[folder])
            sys.modules["phenofuse"] = importlib.util.module_from_spec(spec)

    return CodeCarrier(_archive())


def _archive() -> bytes:
    """The engine's code as a zip: what lies in ``core``, and the two files it reads beside it."""
    root = Path(__file__).resolve().parents[2]
    files = [root / "__init__.py", root / "metadata.txt", *sorted((root / "core").rglob("*.py"))]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.relative_to(root).as_posix())
    return buffer.getvalue()
