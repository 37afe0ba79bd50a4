"""The things that are run under Windows, each a function that returns the words of its line or raises what is wrong."""
from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import time
from pathlib import Path

import compare
from guest import SECONDS_TO_BE_GONE
from guests import Broken, Guests, Late
from jobs import COMPARED, JOBS
from wine import windows_path

ROOT = Path(__file__).resolve().parents[2]
SECONDS_FOR_SETUP = 1500.0  # some 150 s on two busy cores; those of eight at work, or a slow network, take ten times as long
SECONDS_BETWEEN_LOOKS = 0.05
ONE_WORKER = {"workers": 1}  # of whom tiles are finished one after the other
TRIES = 3  # a small job may be over before it is stopped
# Characters of a path: the longest that every program may use on Windows, and a folder whose files are longer. Wine 8 cannot
# tell the real name of existing folders that are much longer (GetFinalPathNameByHandle says ERROR_MORE_DATA).
WINDOWS_LONGEST, LONG_FOLDER = 259, 252
SCANNERS_SECONDS = 2.0
LOGS_KEPT = 30


class Failed(Exception):
    """Something that is not as it should be; its text is the line to print."""


class Skipped(Exception):
    """Something that cannot be run, and why."""


def set_up(guests: Guests) -> str:
    """The engine is made by the product's own code, run by the Windows Python."""
    record = _set_up(guests)
    guests.begin_references()
    return f"Python {record['python']}, " + ", ".join(f"{name} {version}" for name, version in record["versions"].items())


def add_earth_engine(guests: Guests) -> str:
    """An extra is added to the engine that is there."""
    return f"earthengine-api {_set_up(guests, '--extras', 'earthengine')['versions']['earthengine-api']}"


def _set_up(guests: Guests, *more: str) -> dict:
    """What the product says of the engine that it made, completed or found complete."""
    script = guests.tree / "algorithms" / "bridge" / "environment.py"
    ended = guests.wine.run(guests.wine.python, "-u", windows_path(script), "--folder", windows_path(guests.engine), "--python",
                            windows_path(guests.wine.python), *more, seconds=SECONDS_FOR_SETUP)
    if ended.status != 0:
        raise Failed(f"status {ended.status}: {ended.text.strip()[-500:]}")
    record = _installed(guests)
    if "numba" not in record.get("versions", {}):
        raise Failed(f"the product does not find the engine that it made: {record}")
    return record


def _installed(guests: Guests) -> dict:
    return guests.ask("find", engine=guests.engine)["engine"]


def job(name: str):
    """A thing: one of the jobs, whose outputs and numbers are the same there as here."""
    def thing(guests: Guests) -> str:
        expected, own = guests.reference(name), guests.there / name
        own.mkdir(parents=True, exist_ok=True)
        parameters = JOBS[name].parameters(guests.here, own)
        found = _result(guests.run(JOBS[name].job, parameters))
        apart = compare.same_numbers(expected["numbers"], found["numbers"], "numbers")
        for path in expected["outputs"].values():
            relative = Path(path).relative_to(guests.here / name)
            apart = max(apart, compare.same(guests.here / name / relative, own / relative))
        return f"{len(expected['outputs'])} outputs and {len(found['numbers'])} numbers as on Linux, at most {apart:.0e} apart"

    return thing


def check_engine(guests: Guests) -> str:
    """The engine tells of the system that it runs on, and of the packages that were set up."""
    facts = json.loads(_result(guests.run("checkengine", {}))["numbers"]["FACTS"])
    told = json.dumps(facts)
    record = _installed(guests)
    missing = [f"{name} {version}" for name, version in record["versions"].items() if version not in told]
    if missing or "Windows" not in told:
        raise Failed(f"it does not tell of {missing or 'Windows'}: {told[:500]}")
    return f"tells of Windows and of {len(record['versions'])} packages"


def export(guests: Guests) -> str:
    """A real export of three periods from a stand-in of Earth Engine on this machine, as from here."""
    if "earthengine" not in _installed(guests).get("extras", ()):
        raise Skipped("the engine has no extra earthengine")
    asked = {"EXTENT": "430000,430400,9239600,9240000 [EPSG:32749]", "CRS": "EPSG:32749", "RESOLUTION": 10, "START_DATE": "2023-11-01",
             "END_DATE": "2023-12-07", "PERIOD_DAYS": 12, "PROJECT": "loop-back"}
    with _stand_in() as address:
        folders = [guests.here / "export é", guests.there / "export é"]
        expected = guests.run_here("exportcomposites", {**asked, "ENDPOINT": address, "FOLDER": folders[0]})
        found = _result(guests.run("exportcomposites", {**asked, "ENDPOINT": address, "FOLDER": folders[1]}))
    compare.same_numbers(expected["numbers"], found["numbers"], "numbers")
    rasters = sorted(path.name for path in folders[0].glob("*.tif"))
    apart = max(compare.same(folders[0] / name, folders[1] / name) for name in rasters)
    return f"{len(rasters)} rasters and the counts as on Linux, at most {apart:.0e} apart"


@contextlib.contextmanager
def _stand_in():
    """The tests' double of the service, as a process of its own."""
    program = subprocess.Popen([os.environ["PHENOFUSE_ENGINE_PYTHON"], "-m", "earthengine"], cwd=ROOT / "tests", text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield json.loads(program.stdout.readline())["url"]
    finally:
        program.stdin.close()
        program.wait()
        program.stdout.close()


def cancel(guests: Guests) -> str:
    """A cancelled job is gone with all its processes in time, leaves no finished file, and continues."""
    answer = _stopped(guests, "cancel", "cancel")
    if answer["error"]["kind"] != "cancelled":
        raise Failed(f"it ended as '{answer['error']['kind']}': {answer['error']['text']}")
    if answer["left"]:
        raise Failed(f"{answer['left']} of its processes run on after {answer['seconds_to_be_gone']:.1f} s")
    return f"gone within {answer['seconds_to_be_gone']:.1f} s; " + _continued(guests, "cancel")


def kill(guests: Guests) -> str:
    """An engine that is killed leaves no finished file, is told of in a sentence, and the same call continues."""
    answer = _stopped(guests, "kill", "kill")
    if not answer["error"]["text"] or answer["left"]:
        raise Failed(f"{answer['left']} processes are left; it says '{answer['error']['text']}'")
    return _continued(guests, "kill")


def quit_qgis(guests: Guests) -> str:
    """An engine whose QGIS is killed is gone in time, and the same call continues."""
    name = "quit"
    for _ in range(TRIES):
        with contextlib.suppress(Broken):
            _ask_larger(guests, name, {"how": "die"})
            continue
        began = time.monotonic()
        while guests.wine.running("python.exe") and time.monotonic() < began + SECONDS_TO_BE_GONE:
            time.sleep(SECONDS_BETWEEN_LOOKS)
        left = guests.wine.running("python.exe")
        if left:
            raise Failed(f"{left} processes of the engine run on {SECONDS_TO_BE_GONE:g} s after QGIS was killed")
        return f"gone within {time.monotonic() - began:.1f} s; " + _continued(guests, name)
    raise Failed(f"the job was over {TRIES} times before it could be stopped")


def _stopped(guests: Guests, name: str, how: str) -> dict:
    """The answer of a job that was stopped between its tiles, without a finished file."""
    for _ in range(TRIES):
        answer = _ask_larger(guests, name, {"how": how})
        if answer["stopped"] and "error" in answer:
            return answer
        for path in (guests.there / name).glob("*.tif"):
            path.unlink()
    raise Failed(f"the job was over {TRIES} times before it could be stopped")


def _ask_larger(guests: Guests, name: str, stop: dict | None = None, **more) -> dict:
    """Run the larger fill into a folder of its own, perhaps only until its first tile is done."""
    guests.reference("larger fill")
    folder = guests.there / name
    folder.mkdir(parents=True, exist_ok=True)
    stop = {**stop, "folder": folder, "pattern": ".*.parts/*.npz"} if stop else {}
    return guests.run("fillharmonic", JOBS["larger fill"].parameters(guests.here, folder), ONE_WORKER, stop=stop, **more)


def _continued(guests: Guests, name: str) -> str:
    """The same call, to its end: it goes on from what was done, and gives what an undisturbed one gives here."""
    folder = guests.there / name
    finished = list(folder.glob("*.tif"))
    if finished:
        raise Failed(f"{finished[0].name} looks finished")
    answer = _ask_larger(guests, name)
    _result(answer)
    told = [message for message in answer["messages"] if "are done already" in message or "is done already" in message]
    if not told:
        raise Failed(f"the same call begins anew: {answer['messages']}")
    return f"then {told[0].split(' are')[0].split(' is')[0]} of it done already, and {_as_here(guests, folder)}"


def _as_here(guests: Guests, folder: Path) -> str:
    expected = guests.here / "larger fill"
    apart = max(compare.same(path, folder / path.name) for path in expected.glob("*.tif"))
    litter = [path.name for path in folder.iterdir() if path.name not in {other.name for other in expected.iterdir()}]
    if litter:
        raise Failed(f"left behind: {', '.join(litter[:5])}")
    return f"the result as on Linux, at most {apart:.0e} apart"


def locked_output(guests: Guests) -> str:
    """An output that another program has open is refused by name before any work; none of the set is touched; later it goes."""
    folder = guests.there / "locked"
    folder.mkdir(parents=True, exist_ok=True)
    old = {folder / f"{key}.tif": f"an older {key}".encode() for key in ("output", "uncertainty", "quality")}
    for path, content in old.items():
        path.write_bytes(content)
    with _held(guests, folder / "quality.tif"):
        answer = _ask_larger(guests, "locked")
    if "error" not in answer:
        raise Skipped("Wine lets a file be replaced that another program has open")
    text = f"{answer['error']['text']} {answer['error']['remedy']}"
    changed = [path.name for path, content in old.items() if path.read_bytes() != content]
    worked = [message for message in answer["messages"] if "Learnt" in message]
    if changed:
        raise Failed(f"{', '.join(changed)} was replaced although the set is not complete; it says: {text}")
    if worked:
        raise Failed(f"found out only after the work; it says: {text}")
    if "quality.tif" not in text:
        raise Failed(f"the sentence does not name quality.tif: {text}")
    _result(_ask_larger(guests, "locked"))
    return f"refused before any work ('{answer['error']['text']}'); once closed, {_as_here(guests, folder)}"


def scanned_output(guests: Guests) -> str:
    """A file that a virus scanner keeps open for moments is replaced all the same."""
    folder = guests.there / "scanned"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "output.tif").write_bytes(b"an older output")
    answer = _ask_larger(guests, "scanned", touch={"file": folder / "output.tif", "from": 0.5, "seconds": SCANNERS_SECONDS})
    _result(answer)
    return _as_here(guests, folder)


def open_log(guests: Guests) -> str:
    """A log that a long job still writes is no obstacle for the next one, which clears old logs away."""
    logs = guests.runs / "logs there"
    logs.mkdir(exist_ok=True)
    oldest = logs / "20200101-000000-trainmodel-x.log"
    for path in (oldest, *(logs / f"20200102-000000-job-{number}.log" for number in range(LOGS_KEPT))):
        path.touch()
        os.utime(path, (1.6e9, 1.6e9 + (path != oldest)))
    with _held(guests, oldest):
        _result(guests.run("checkengine", {}))
    return f"a job runs while one of {LOGS_KEPT + 1} old logs is open"


@contextlib.contextmanager
def _held(guests: Guests, file: Path):
    """Another program has the file open."""
    marks = [guests.runs / f"{file.name}.{name}" for name in ("held", "enough")]
    holder = guests.begin("hold", files=[file], held=marks[0], enough=marks[1])
    try:
        until = time.monotonic() + guests.seconds
        while not marks[0].exists():
            if time.monotonic() > until:
                raise Failed(f"no program could open {file.name}")
            time.sleep(SECONDS_BETWEEN_LOOKS)
        yield
    finally:
        marks[1].touch()
        holder.end()


def long_path(guests: Guests) -> str:
    """Outputs whose paths, and those of what is made on the way, have more characters than Windows allows every program."""
    folder = guests.there / "long"
    while len(windows_path(folder)) < LONG_FOLDER:
        left = LONG_FOLDER - len(windows_path(folder)) - 1
        folder = folder / ("Fürther Land " * 5)[:max(1, min(60, left))].replace(" ", "_")
    answer = _ask_larger(guests, str(folder.relative_to(guests.there)))
    longest = max(len(windows_path(folder / name)) for name in ("output.tif", "uncertainty.tif"))
    if longest <= WINDOWS_LONGEST:
        raise Failed(f"the longest path has {longest} characters only")
    _result(answer)
    return f"{longest} characters: {_as_here(guests, folder)}"


def many_at_once(guests: Guests) -> str:
    """Two QGIS at once, with one folder of logs and of compiled functions."""
    guests.reference("larger fill")
    asked = []
    for name in ("first", "second"):
        folder = guests.there / name
        folder.mkdir(parents=True, exist_ok=True)
        asked.append(guests.begin("run", **guests.wanted("fillharmonic", JOBS["larger fill"].parameters(guests.here, folder))))
    for one in asked:
        _result(one.answer())
    return "both " + _as_here(guests, guests.there / "first") + "; " + _as_here(guests, guests.there / "second")


def _result(answer: dict) -> dict:
    if "error" in answer:
        error = answer["error"]
        raise Failed(f"{error['kind']}: {error['text']} {error['remedy']} {_last_words(error['log'])}".strip())
    return answer["result"]


def _last_words(log: str) -> str:
    """What the engine's log ends with."""
    path = Path(re.sub(r"^[Zz]:", "", log).replace("\\", "/"))
    return f"(log: {path.read_text(encoding='utf-8', errors='replace').strip()[-300:]})" if path.is_file() else ""


THINGS = {
    "set-up": set_up, **{name: job(name) for name in COMPARED}, "checkengine": check_engine, "add earthengine": add_earth_engine,
    "exportcomposites": export, "cancel": cancel, "kill": kill, "quit QGIS": quit_qgis, "locked output": locked_output,
    "scanned output": scanned_output, "open log": open_log, "long path": long_path, "two at once": many_at_once,
}
PROBLEMS = (Failed, compare.Different, Late, Broken, OSError)
