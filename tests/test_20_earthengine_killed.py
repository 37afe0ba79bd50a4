"""Exports killed and cancelled at any moment: nothing is done twice, lost, or only looks finished."""

from __future__ import annotations

import os
import random
import threading
import time

import pytest

pytest.importorskip("ee", reason="needs the engine's extra 'earthengine'")
from earthengine.helpers import call, double, engine, export, finished, kill_after, proceed, states
from earthengine.small import END, PERIODS, pixels, pixels_of, rasters_of
from phenofuse.core.earthengine import ledger as memory
from phenofuse.core.earthengine import service
from phenofuse.core.errors import Cancelled
from phenofuse.core.events import Events

pytestmark = pytest.mark.usefixtures("hurried")
KILLS = int(os.environ.get("PHENOFUSE_KILLS", "3"))  # 50 for the full proof
PATIENCE = service.Patience


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The rasters of an export of three periods in which nothing went wrong."""
    return rasters_of(tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.parametrize("destination", ["download", "asset"])
def test_killed_at_random_moments(tmp_path, undisturbed, destination):
    """``kill -9`` wherever it hits, again and again: no second task, no lost period, no file that only looks finished.

    PHENOFUSE_KILLS = 50 makes the full proof.
    """
    chance, kills, rounds = random.Random(KILLS), 0, 0
    while kills < KILLS:
        rounds += 1
        folder = tmp_path / str(rounds)
        with double() as found:
            ticking = _Ticking(found)
            parameters = call(found, folder, END_DATE=END, DESTINATION=destination, PLACE="demak")
            while not folder.exists() or not (folder / memory.NAME).exists() or set(_states(folder)) != {"DONE"}:
                process = engine("exportcomposites", parameters)
                killed = _kill(process, found, chance, spare=kills >= KILLS)
                kills += killed
                done = finished(folder) if folder.exists() else {}
                assert done.items() <= undisturbed.items() if destination == "download" else True
            ticking.stop()
            assert len(found.operations) == (0 if destination == "download" else PERIODS)
        assert pixels(folder) == pixels_of(undisturbed) and not list(folder.glob(".*.tif"))


def _kill(process, found, chance, spare: bool) -> bool:
    """Kill a run once so many requests have come and a moment more; returns whether it was still alive."""
    until, rest = len(found.log) + chance.randint(1, 12), chance.uniform(0, 0.1)

    def is_time():
        if spare or len(found.log) < until:
            return False
        time.sleep(rest)
        return True

    return kill_after(process, is_time)


class _Ticking:
    """Tasks of a double go on by themselves."""

    def __init__(self, found):
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(found,), daemon=True)
        self._thread.start()

    def _run(self, found):
        while not self._stop.wait(0.1):
            found.tick()

    def stop(self):
        self._stop.set()
        self._thread.join()


def _states(folder) -> list:
    try:
        return states(folder)
    except Exception:  # killed before the tables were made
        return []




def test_cancel_answers_while_the_service_is_silent(tmp_path):
    """Standard input closes while a request hangs: the process has ended within three seconds, the ledger is sound."""
    with double() as found:
        found.faults.plant("computePixels", "stall", 10_000)
        process = engine("exportcomposites", call(found, tmp_path, END_DATE=END))
        deadline = time.monotonic() + 60
        while not found.count("computePixels") and time.monotonic() < deadline:
            time.sleep(0.05)
        started = time.monotonic()
        process.stdin.close()
        process.wait(10)
        assert time.monotonic() - started < 3
        process.stdout.close()
        found.faults.clear()
        proceed(found, tmp_path)
    assert states(tmp_path) == ["DONE"] * 3


def test_cancel_ends_a_pause_between_repetitions(tmp_path, monkeypatch):
    """The pause after a 503 is long; the wish to stop ends it at once."""
    monkeypatch.setattr(service, "Patience", lambda: PATIENCE(tries=5, first=600, longest=600))
    events = Events()
    with double() as found:
        found.faults.plant("value:compute", 503, 10_000)
        threading.Timer(1.5, events.cancel).start()
        started = time.monotonic()
        with pytest.raises(Cancelled):
            export(call(found, tmp_path, END_DATE=END), events)
        assert time.monotonic() - started < 6
