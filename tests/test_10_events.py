"""Progress and messages of a job."""

import io
import json

import pytest
from phenofuse.core.errors import Cancelled
from phenofuse.core.events import Events


def lines(stream):
    """The events sent so far."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_progress_never_moves_back_and_reaches_the_end():
    """Fractions are monotone, the last is 1, and steps fill their share of the bar."""
    stream = io.StringIO()
    events = Events(stream)
    events.step(0.5, 1.0).progress(0.5)
    events.progress(0.2)
    events.step(0.5, 1.0).step(0.5, 1.0).progress(1)
    fractions = [e["fraction"] for e in lines(stream)]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0.75 and fractions[-1] == 1.0


def test_a_cancelled_job_stops_at_its_next_word():
    """After `cancel`, both `check` and `progress` raise, in steps too."""
    events = Events(None)
    events.check()
    events.cancel()
    for ask in (events.check, lambda: events.progress(0.5), events.step(0, 1).check):
        with pytest.raises(Cancelled):
            ask()


def test_every_event_is_one_line_of_strict_json():
    """Texts with line breaks and signs of any language stay on one line; not-a-number is refused."""
    stream = io.StringIO()
    events = Events(stream)
    events.warning("a\nb – é")
    assert lines(stream) == [{"event": "message", "level": "warning", "text": "a\nb – é"}]
    with pytest.raises(ValueError):
        events.result({}, {"RMSE": float("nan")})
