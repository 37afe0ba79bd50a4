"""What ends a job, told apart: memory that looks like a missing package, lines that are no job, and our own mistakes."""
from __future__ import annotations

import errno
import json
import os
import sqlite3
import subprocess

import pytest
from looking import engine_with
from phenofuse.core import causes, jobs
from phenofuse.core.errors import Cancelled, InputError, MissingExtraError, OutputError
from phenofuse.core.jobs import Resources
from rasterio.errors import CRSError

NUMPY = "\n\nIMPORTANT: PLEASE READ THIS FOR ADVICE!\n\nImporting the numpy C-extensions failed.\n\nOriginal error was: {}\n"
MAPPING = "libgdal.so.36: failed to map segment from shared object"


def because(error, cause):
    """The error with its cause, as ``raise error from cause`` leaves it."""
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("problem", [
    MemoryError(),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    ImportError(MAPPING),
    ImportError(NUMPY.format("libstdc++.so.6: failed to map segment from shared object")),
    ImportError("libtorch_cpu.so: cannot allocate memory in static TLS block"),
    OSError("[WinError 1455] The paging file is too small for this operation to complete."),
    RuntimeError("can't start new thread"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
    RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    because(MissingExtraError("Deep learning needs the package torch, which the engine lacks."), ImportError(MAPPING)),
], ids=lambda problem: str(problem).strip()[-40:])
def test_a_want_of_memory_is_said_as_such(problem):
    """Nobody is sent to set the engine up anew, or to look for a file, because memory ran out."""
    kind, text, remedy = causes.explained(problem)
    assert kind == "memory" and "memory" in text and "MEMORY_MB" in remedy


@pytest.mark.parametrize("problem, kind, words", [
    (ModuleNotFoundError("No module named 'dask'", name="dask"), "extra", "lacks the package dask"),
    (ImportError(NUMPY.format("libquadmath.so.0: cannot open shared object file")), "extra", "Original error was: libquadmath"),
    (OSError("Could not find/load shared object file 'libllvmlite.so' from resource location"), "extra", "does not load"),
    (MissingExtraError("Needs torch.", "Install it."), "extra", "Needs torch."),
    (because(OutputError("It cannot be written.", "Free room."), OSError(errno.ENOMEM, "Cannot allocate memory")), "output", "written"),
    (OSError(errno.ENOSPC, "No space left on device", "a.tif"), "disk", "The disk is full"),
    (OSError(errno.EDQUOT, "Disk quota exceeded", "a.tif"), "disk", "The disk is full"),
    (FileNotFoundError(errno.ENOENT, "No such file", "a.tif"), "output", "a.tif"),
    (CRSError("The WKT could not be parsed. OGR Error code 5"), "input", "A raster cannot be used: The WKT"),
    (sqlite3.DatabaseError("file is not a database"), "input", "export.sqlite"),
    (OverflowError("date value out of range"), "input", "too large"),
    (RecursionError("maximum recursion depth exceeded"), "input", "nested too deep"),
    (UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "invalid start byte"), "input", "UTF-8"),
    (ZeroDivisionError("division by zero"), "internal", "failed unexpectedly"),
], ids=lambda value: value if isinstance(value, str) else type(value).__name__)
def test_each_cause_has_its_kind(problem, kind, words):
    """One plain line each, with a remedy; only what nothing else explains asks to be reported."""
    found, text, remedy = causes.explained(problem)
    assert found == kind and words in text and "\n" not in text and remedy
    assert ("report" in remedy) == (kind == "internal")


@pytest.mark.parametrize("line", [b"nonsense", b"[1]", b"null", b'"job"', b"{}", b'{"job": 3}', b'{"job": "a", "parameters": [1]}',
                                  b'{"job": "a", "resources": "b"}', b'\xff\xfe{"job": "a"}', b"[" * 100_000, b"\x00", b'{"job": "a"'],
                         ids=lambda line: ascii(line[:20]))
def test_a_line_that_is_no_job_is_refused(line):
    """Text, other JSON, other encodings, half a line: one sentence, and what a job looks like."""
    with pytest.raises(InputError, match="no job") as caught:
        jobs.read(line)
    assert '"job"' in caught.value.remedy


def test_no_line_at_all_is_no_mistake():
    """QGIS was closed before it had told the job."""
    with pytest.raises(Cancelled):
        jobs.read(b"\n")


@pytest.mark.parametrize("resources, words", [
    ({"memory_mb": "512"}, "MEMORY_MB is '512'; a whole number"), ({"memory_mb": 1e3}, "MEMORY_MB is 1000.0"),
    ({"workers": [1]}, "WORKERS is"), ({"workers": True}, "WORKERS is True"), ({"device": 1}, "DEVICE is 1; text"),
    ({"scheduler": {}}, "SCHEDULER is"), ({"credentials": 12345}, "CREDENTIALS is int"), ({"gpus": 1}, "no resource 'gpus'"),
])
def test_resources_of_another_kind_are_refused(resources, words):
    """They come from settings and scripts: the sentence names the one that is wrong, and shows no secret."""
    with pytest.raises(InputError, match=words) as caught:
        jobs.read(json.dumps({"job": "a", "resources": resources}).encode())
    assert "12345" not in str(caught.value)


def test_resources_that_are_not_given_are_the_usual_ones():
    """None is what an empty setting sends."""
    given = jobs.read(b'{"job": "a", "resources": {"memory_mb": null, "workers": 3, "device": null}}')
    assert given == ("a", {}, Resources(workers=3))


def engine(job: dict, body: str = "found = 0", **options):
    """What an engine answers at last, when its standard input stays open until then; `body` is that of the job ``look``."""
    process = subprocess.Popen(engine_with(body), stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)
    process.stdin.write(json.dumps(job).encode() + b"\n")
    process.stdin.flush()
    last = process.stdout.read().splitlines()[-1]
    process.stdin.close()
    process.stdout.close()
    process.wait(10)
    return json.loads(last)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="sets a limit as `ulimit -v` does")
@pytest.mark.parametrize("megabytes", [200, 500])
def test_an_engine_that_gets_too_little_memory_says_so(megabytes):
    """Below what the libraries take some say that they are missing, others end the process, and one waits for ever."""
    import resource

    limit = (megabytes * 10**6, resource.getrlimit(resource.RLIMIT_AS)[1])
    answer = engine({"job": "look"}, stderr=subprocess.DEVNULL, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, limit))
    assert answer["kind"] == "memory" and f"only {megabytes} MB" in answer["text"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a file that is always full")
def test_a_log_without_room_left_ends_no_job():
    """Whatever libraries print and whatever went wrong: the answer is the job's own."""
    with open("/dev/full", "wb") as full:
        assert engine({"job": "nosuchjob"}, stderr=full)["kind"] == "input"
        chatter = "import sys; found = print('much', flush=True) or sys.stderr.fileno()"
        assert engine({"job": "look"}, chatter, stderr=full)["numbers"] == {"FOUND": 2}
