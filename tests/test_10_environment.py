"""The engine's environment: made offline from small wheels, interrupted, continued, mended; which engine is chosen."""
from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

import pytest
from phenofuse.algorithms.bridge import environment, installer, interpreters, places, processes, requirements, upkeep
from phenofuse.algorithms.bridge.environment import Source
from phenofuse.algorithms.bridge.failures import SetupError
from wheels import write_list, write_wheel

posix = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")

# Put together here, since scanners rightly stop at addresses that hold a key.
WHO = "anna:" + "k3y"

# Enough files that unpacking them takes pip a second or more.
MANY = 3000


class Recorder:
    """A listener that keeps what it hears, and cancels when `when(recorder)` says so."""

    def __init__(self, when=None):
        self.fractions, self.messages, self.asked, self._when = [], [], None, when

    def progress(self, fraction, eta_s):
        self.fractions.append(fraction)

    def message(self, level, text):
        self.messages.append(text)

    def cancelled(self):
        if self._when and self.asked is None and self._when(self):
            self.asked = time.monotonic()
        return self.asked is not None

    def heard(self, words) -> bool:
        return any(words in text for text in self.messages)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Give a folder with wheels and requirement lists of a tiny product."""
    folder = tmp_path_factory.mktemp("store")
    (folder / "wheels").mkdir()
    write_wheel(folder / "wheels", "tinybase", "1.0", {"tinybase.py": "VALUE = 1\n"})
    write_wheel(folder / "wheels", "tinydask", "2.0", {"tinydask.py": "VALUE = 2\n"})
    write_wheel(folder / "wheels", "tinybig", "3.0", {"tinybig/__init__.py": "", **{
        f"tinybig/part{index}.py": f"VALUE = {index}\n" for index in range(MANY)}})
    for name, package, version in (("base", "tinybase", "1.0"), ("cluster", "tinydask", "2.0"), ("earthengine", "tinybig", "3.0"),
                                   ("learning", "tinymissing", "9.0")):
        write_list(folder, name, package, version)
    return folder


@pytest.fixture(scope="module")
def ready(store, tmp_path_factory):
    """Give a complete environment (with what the making of it said) for copying."""
    patch = pytest.MonkeyPatch()
    folder, listener = tmp_path_factory.mktemp("ready") / "engine", Recorder()
    # What QGIS sets for its own Python, and what would send packages elsewhere.
    for name, value in {"PYTHONHOME": "/nowhere", "PYTHONPATH": "/nowhere", "PROJ_LIB": "/nowhere", "PIP_USER": "1",
                        "PIP_TARGET": str(folder.parent / "elsewhere"), "SSL_CERT_FILE": "/nowhere/file"}.items():
        patch.setenv(name, value)
    try:
        record = environment.set_up(folder, source=Source(wheels=str(store / "wheels")), listener=listener,
                                    lists=store / "lists")
    finally:
        patch.undo()
    return folder, listener, record


@pytest.fixture
def copied(ready, tmp_path):
    """Give a copy of the complete environment, to do harm to."""
    def copy(source, target):                        # pip itself is 1,000 files that nobody changes
        return (os.link if "/pip/" in source else shutil.copy2)(source, target)

    return Path(shutil.copytree(ready[0], tmp_path / "engine", symlinks=True, copy_function=copy))


def set_up(folder, store, extras=(), listener=None, **more):
    """Set up from the store's wheels."""
    return environment.set_up(folder, extras, Source(wheels=str(store / "wheels")), listener=listener,
                              lists=store / "lists", **more)


def imports(folder, code) -> str:
    """What an environment's Python prints."""
    return subprocess.run([str(environment.python_of(folder)), "-I", "-c", code], capture_output=True, text=True,
                          check=True).stdout.strip()


def test_made_offline(ready):
    """From a folder of wheels, with QGIS's variables set: complete, isolated, marked, nothing left over."""
    folder, listener, record = ready
    assert imports(folder, "import tinybase; print(tinybase.VALUE)") == "1"
    assert record["versions"] == {"tinybase": "1.0"}
    assert json.loads((folder / environment.MARKER).read_text(encoding="utf-8")) == record
    assert "include-system-site-packages = false" in (folder / "pyvenv.cfg").read_text(encoding="utf-8")
    assert not (folder / "fetching").exists()
    assert not (folder.parent / "elsewhere").exists()
    assert listener.heard("0 MB to fetch and 2 MB on disk")
    assert listener.fractions == sorted(listener.fractions)
    assert listener.fractions[-1] == 1.0


def test_complete_is_left_alone(copied, store):
    """A second call does not run pip again."""
    listener = Recorder()
    record = set_up(copied, store, listener=listener)
    assert listener.heard("complete already")
    assert not listener.heard("Unpacking")
    assert record["versions"] == {"tinybase": "1.0"}


def test_extra_is_added_and_stays(copied, store):
    """An extra joins what is there; a later call without it keeps it."""
    assert set_up(copied, store, ["cluster"])["versions"] == {"tinybase": "1.0", "tinydask": "2.0"}
    assert set_up(copied, store)["extras"] == ["cluster"]


@pytest.mark.parametrize("begun", [True, False])
def test_extra_that_fails_takes_nothing_away(copied, store, begun):
    """One extra that is not to be had leaves the base and the other extras, on a new folder and on one with an engine."""
    if not begun:
        shutil.rmtree(copied)
    with pytest.raises(SetupError) as raised:
        set_up(copied, store, ["learning", "cluster"])
    assert raised.value.failure.kind == "not offered"
    assert "The base works, and the extra cluster. The extra learning could not be installed: " in str(raised.value)
    assert "tinymissing==9.0" in str(raised.value)
    assert environment.installed(copied)["extras"] == ["cluster"]
    assert imports(copied, "import tinybase, tinydask; print(tinydask.VALUE)") == "2"
    assert set_up(copied, store)["versions"] == {"tinybase": "1.0", "tinydask": "2.0"}


def test_base_that_cannot_be_updated_stays(copied, store, tmp_path):
    """Where new pins of the base are not to be had, the engine that works is not given up; the extras stay, too."""
    set_up(copied, store, ["cluster"])
    newer = Path(shutil.copytree(store, tmp_path / "newer"))
    write_list(newer, "base", "tinybase", "1.1")
    with pytest.raises(SetupError, match="The engine that was there still works"):
        set_up(copied, newer)
    assert environment.installed(copied)["extras"] == ["cluster"]
    assert not environment.is_current(copied, newer / "lists")
    assert environment.is_current(copied, store / "lists")


def test_newer_phenofuse_is_not_taken_back(copied, store, tmp_path):
    """An engine that a newer plugin (of another profile) set up keeps its packages; what is missing is said, not forced."""
    record = {**environment.installed(copied), "plugin": "99.0", "pins": [["tinybase==1.1"]]}
    (copied / environment.MARKER).write_text(json.dumps(record), encoding="utf-8")
    listener = Recorder()
    assert set_up(copied, store, listener=listener) == record
    assert listener.heard("newer than this one")
    assert environment.is_current(copied, store / "lists")
    with pytest.raises(SetupError, match="lacks the extra cluster.*Update Phenofuse in this QGIS profile"):
        set_up(copied, store, ["cluster"])
    assert environment.installed(copied) == record


def test_compiled_files_of_a_wheel_are_not_missed(copied, store):
    """A wheel that brings compiled files (numpy for Python 3.9 and 3.10), which pip compiles anew, counts as whole."""
    record = next(places.site_packages(copied).glob("tinybase-*.dist-info")) / "RECORD"
    with record.open("a", encoding="utf-8") as stream:
        stream.write("__pycache__/tinybase.cpython-39.pyc,sha256=x,12345\n")
    assert environment._whole(record.parent, places.site_packages(copied))


@posix
def test_borrowed_packages_are_never_written_through(copied, store, tmp_path):
    """A package that is a link into another Python is let go of before pip comes; what it points to stays."""
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "tinydask.py").write_text("VALUE = 0\n", encoding="utf-8")
    for name in ("tinydask.py", "tinydask-1.0.dist-info"):
        (places.site_packages(copied) / name).symlink_to(tmp_path / "foreign" / name)
    set_up(copied, store, ["cluster"])
    assert (tmp_path / "foreign" / "tinydask.py").read_text(encoding="utf-8") == "VALUE = 0\n"
    assert imports(copied, "import tinydask; print(tinydask.VALUE)") == "2"


# Where it lies.

def test_one_folder_for_all_profiles(tmp_path, monkeypatch):
    """The user's own data folder, the local one on Windows; an engine that an earlier version made is found where it is."""
    for variable in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path / "data"))
    monkeypatch.setattr(places.sys, "platform", "linux")
    new, old = tmp_path / "data" / "phenofuse", tmp_path / "profile" / "phenofuse"
    assert places.where_set_up(old) == new
    places.managed_folder(old).mkdir(parents=True)
    assert places.where_set_up(old) == new           # begun there, never complete
    places.write_record(places.managed_folder(old), {"format": places.FORMAT})
    assert places.where_set_up(old) == old
    places.managed_folder(new).mkdir(parents=True)
    places.write_record(places.managed_folder(new), {"format": places.FORMAT})
    assert places.where_set_up(old) == new


def test_too_long_paths_are_known_before_anything_is_fetched(tmp_path, store, monkeypatch):
    """Where Windows limits paths, a folder that is too long for an extra is refused with the length and what to do."""
    monkeypatch.setattr(places, "longest_allowed", lambda: places.LONGEST_ON_WINDOWS)
    folder = tmp_path / ("x" * (places.LONGEST_ON_WINDOWS - places.LONGEST_INSIDE["learning"] - len(str(tmp_path)) - 10))
    with pytest.raises(SetupError) as raised:
        set_up(folder, store, ["learning"])
    assert raised.value.failure.kind == "long path"
    assert f"paths of up to {places.longest_path(folder, ['learning'])} characters; Windows allows 259" in str(raised.value)
    assert "FOLDER a short path such as C:\\phenofuse" in str(raised.value)
    assert not folder.exists()
    assert set_up(folder, store)["extras"] == []     # the base alone has room there


def test_default_folder_has_room_on_windows():
    """In the default folder all extras keep within the limit, with the longest user name that Windows allows."""
    local = "C:\\Users\\" + "n" * 20 + "\\AppData\\Local\\phenofuse\\engine-1"
    assert places.longest_path(local, requirements.EXTRAS) <= places.LONGEST_ON_WINDOWS
    roaming = "C:\\Users\\ann\\AppData\\Roaming\\QGIS\\QGIS3\\profiles\\default\\phenofuse\\engine-1"
    assert places.longest_path(roaming, ["base", "learning"]) > places.LONGEST_ON_WINDOWS


def test_longest_paths_are_those_of_the_packages():
    """What was measured of the wheels for Windows holds for what is installed here, but for a build's own name."""
    found = {}
    for name in ("numpy", "scipy", "numba", "matplotlib", "rasterio", "torch"):
        try:
            files = [str(file) for file in distribution(name).files or ()]
        except PackageNotFoundError:
            continue
        if not files:  # a distribution's own package, which keeps no list of them
            continue
        part = "learning" if name == "torch" else "base"
        longest = max(len(file.replace("+cpu", "")) for file in files if not file.startswith(".."))
        found[part] = max(longest, found.get(part, 0))
    if not found:
        pytest.skip("this Python has none of the packages")
    assert all(length <= places.LONGEST_INSIDE[part] for part, length in found.items())


@posix
def test_killed_midway_then_continued(copied, store):
    """kill -9 of pip while it unpacks: said so, and the base counts; the same call continues and every file is whole."""
    (copied / environment.MARKER).unlink()
    parts = places.site_packages(copied) / "tinybig"

    def kill_pip(_):
        if parts.is_dir() and len(os.listdir(parts)) > 50:
            for pid in pip_of(copied):
                os.kill(pid, signal.SIGKILL)
        return False

    with pytest.raises(SetupError) as raised:
        set_up(copied, store, ["earthengine"], Recorder(kill_pip))
    assert raised.value.failure.kind == "interrupted"
    assert 0 < len(list(parts.glob("part*.py"))) < MANY
    assert environment.installed(copied)["extras"] == []
    assert set_up(copied, store, ["earthengine"])["versions"] == {"tinybase": "1.0", "tinybig": "3.0"}
    assert imports(copied, "import tinybig, pathlib; files = pathlib.Path(tinybig.__file__).parent.glob('part*.py'); "
                           "print(sum(int(f.read_text().split()[-1]) for f in files))") == str(MANY * (MANY - 1) // 2)


@posix
def test_killed_qgis_leaves_no_pip_behind(copied, store):
    """kill -9 of the process that set up: its pip ends with it, and the next run continues."""
    (copied / environment.MARKER).unlink()
    program = ("import sys; from phenofuse.algorithms.bridge import environment; environment.set_up(sys.argv[1], "
               "['earthengine'], environment.Source(wheels=sys.argv[2]), lists=sys.argv[3])")
    qgis = subprocess.Popen([sys.executable, "-c", program, str(copied), str(store / "wheels"), str(store / "lists")])
    parts, deadline = places.site_packages(copied) / "tinybig", time.monotonic() + 60
    while not parts.is_dir() and time.monotonic() < deadline:
        time.sleep(0.005)
    qgis.kill()
    qgis.wait()
    deadline = time.monotonic() + 2
    while pip_of(copied) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert pip_of(copied) == []
    assert environment.installed(copied)["extras"] == []
    assert set_up(copied, store, ["earthengine"])["versions"] == {"tinybase": "1.0", "tinybig": "3.0"}


def pip_of(folder) -> list:
    """Numbers of the processes that run pip in an environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes()
        except OSError:
            continue
        if str(folder).encode() in command and b"\0pip\0install\0" in command:
            found.append(int(entry.parent.name))
    return found


def test_cut_file_is_installed_again(copied, store):
    """A package that is recorded but of which a file is cut short is found and put right."""
    module = places.site_packages(copied) / "tinybase.py"
    module.write_text("VAL", encoding="utf-8")
    (copied / environment.MARKER).unlink()
    set_up(copied, store)
    assert module.read_text(encoding="utf-8") == "VALUE = 1\n"


@posix
def test_python_that_is_gone_is_put_back(copied, store):
    """An environment whose Python is gone (QGIS was updated) is not taken for complete, and gets one of the same version."""
    for link in (copied / "bin").glob("python*"):
        link.unlink()
    assert environment.installed(copied) == {}
    listener = Recorder()
    assert set_up(copied, store, listener=listener)["versions"] == {"tinybase": "1.0"}
    assert listener.heard("the engine now uses")
    assert not listener.heard("Made an environment")


@posix
@pytest.mark.parametrize("lost", ["pyvenv.cfg", "lib", "lib/*/site-packages/pip/_internal"])
def test_killed_while_being_made(copied, store, lost):
    """Ended while the empty environment was being made (at any stage of it): made afresh by the next run."""
    (copied / environment.MARKER).unlink()
    for path in copied.glob(lost):
        path.unlink() if path.is_file() else shutil.rmtree(path)
    assert set_up(copied, store)["versions"] == {"tinybase": "1.0"}
    assert imports(copied, "import tinybase, pip._internal, sys; print(sys.prefix)") == str(copied)


def test_python_that_is_gone_is_noticed(copied):
    """After an update of QGIS its old Python is gone: the environment made from it no longer counts as complete."""
    config = copied / "pyvenv.cfg"
    config.write_text(re.sub(r"(?m)^home = .*$", "home = /nowhere/bin", config.read_text(encoding="utf-8")), encoding="utf-8")
    assert environment.installed(copied) == {}


def test_damage_of_a_complete_environment_is_mended(copied, store):
    """When a complete environment has lost a file, the next run notices and puts it right."""
    module = places.site_packages(copied) / "tinybase.py"
    module.unlink()
    listener = Recorder()
    assert set_up(copied, store, listener=listener)["versions"] == {"tinybase": "1.0"}
    assert listener.heard("damaged")
    assert module.exists()


@pytest.mark.parametrize("offline", [True, False])
def test_a_file_that_was_changed_is_refused(copied, store, inspected, monkeypatch, tmp_path, offline):
    """One byte of a package differs, the digests inside it put right: nothing of it is installed, from a folder as from an index."""
    wheel = next((store / "wheels").glob("tinybase*")).name
    place = Path(shutil.copytree(store / "wheels", tmp_path / "wheels")) if offline else inspected.pages / "tinybase"
    write_wheel(place, "tinybase", "1.0", {"tinybase.py": "VALUE = 7\n"})
    assert (place / wheel).stat().st_size == (store / "wheels" / wheel).stat().st_size
    monkeypatch.setenv("PIP_CERT", str(inspected.certificate))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    without_tinybase(copied)
    source = Source(wheels=str(place)) if offline else Source(index_url=inspected.address)
    with pytest.raises(SetupError) as raised:
        environment.set_up(copied, (), source, lists=store / "lists")
    assert raised.value.failure.kind == "hash mismatch" and "tinybase" in raised.value.failure.sentence
    assert not (places.site_packages(copied) / "tinybase.py").exists()


def test_what_nobody_locked_is_never_fetched(copied, store, tmp_path):
    """A package that asks for another which no list holds: refused, though the folder has it."""
    more = Path(shutil.copytree(store, tmp_path / "more"))
    write_wheel(more / "wheels", "tinybase", "1.1", {"tinybase.py": ""}, needs="tinydask")
    write_list(more, "base", "tinybase", "1.1")
    with pytest.raises(SetupError) as raised:
        set_up(copied, more)
    assert raised.value.failure.kind == "hash mismatch"
    assert not list(places.site_packages(copied).glob("tinydask*"))


def test_changed_pins_are_brought_up_to_date(copied, store, tmp_path):
    """With new pins the old engine is no longer complete, and the same folder follows the new list."""
    newer = Path(shutil.copytree(store, tmp_path / "newer"))
    write_wheel(newer / "wheels", "tinybase", "1.1", {"tinybase.py": "VALUE = 11\n"})
    write_list(newer, "base", "tinybase", "1.1")
    record = set_up(copied, newer)
    assert record["versions"] == {"tinybase": "1.1"}
    assert imports(copied, "import tinybase; print(tinybase.VALUE)") == "11"


@posix
def test_cancel_is_prompt(copied, store):
    """Cancelled while pip unpacks: over in less than three seconds, and no process is left."""
    (copied / environment.MARKER).unlink()
    listener = Recorder(lambda recorder: recorder.heard("Unpacking"))
    with pytest.raises(SetupError) as raised:
        set_up(copied, store, ["earthengine"], listener)
    assert raised.value.failure.kind == "cancelled"
    assert time.monotonic() - listener.asked < 3
    assert pip_of(copied) == []
    assert environment.installed(copied)["extras"] == []


def test_too_little_disk_is_known_before(tmp_path, store, monkeypatch):
    """With too little room nothing is begun; the sentence says how much is free and how much is needed."""
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: usage._replace(free=1_000_000))
    with pytest.raises(SetupError) as raised:
        set_up(tmp_path / "engine", store)
    assert raised.value.failure.kind == "disk full"
    assert "1 MB free" in str(raised.value)
    assert "about 2 MB" in str(raised.value)
    assert not (tmp_path / "engine").exists()


def test_foreign_folder_is_never_emptied(tmp_path, store):
    """A folder that holds something else than an environment is refused and untouched."""
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(SetupError) as raised:
        set_up(tmp_path / "letters", store)
    assert raised.value.failure.kind == "folder"
    assert (tmp_path / "letters" / "dear.txt").read_text(encoding="utf-8") == "dear"


@posix
def test_environment_of_the_users_own_is_never_touched(copied, store):
    """A virtual environment that Phenofuse did not make is refused, even with REBUILD."""
    (copied / environment.MARKER).unlink()
    (copied / environment.OURS).unlink()
    for rebuild in (False, True):
        with pytest.raises(SetupError, match="did not make"):
            set_up(copied, store, rebuild=rebuild)
    assert imports(copied, "import tinybase; print(tinybase.VALUE)") == "1"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_may_not_be_written(tmp_path, store):
    """A folder without the right to write is a sentence, not a traceback."""
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(SetupError) as raised:
        set_up(tmp_path / "locked" / "engine", store)
    assert raised.value.failure.kind == "permission"


def test_full_disk_of_our_own_files(tmp_path, store, monkeypatch):
    """A disk that fills while our own files are written gives the same sentence as one that fills under pip."""
    def full(folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(environment, "_claim", full)
    with pytest.raises(SetupError) as raised:
        set_up(tmp_path / "engine", store)
    assert raised.value.failure.kind == "disk full"


def test_only_one_run_at_a_time(tmp_path, store):
    """While one run fills a folder a second one is told to wait."""
    with upkeep.only_one(tmp_path / "engine"), pytest.raises(SetupError) as raised:
        set_up(tmp_path / "engine", store)
    assert raised.value.failure.kind == "busy"


def test_unusable_python_is_refused_with_the_reason(tmp_path, store):
    """A Python named by the user that does not run is an error that says so."""
    with pytest.raises(SetupError) as raised:
        set_up(tmp_path / "engine", store, python=str(tmp_path / "no-python"))
    assert raised.value.failure.kind == "no python"
    assert "it does not run" in str(raised.value)


@posix
def test_python_without_ensurepip_uses_its_own_pip(tmp_path, store, monkeypatch):
    """Debian's Python without python3-venv makes a complete environment when pip and its wheel are at hand."""
    bundled = next(iter(Path(sys.base_prefix).glob("lib/python3*/ensurepip/_bundled/pip-*.whl")), None)
    if bundled is None:
        pytest.skip("this Python brings no wheel of pip")
    wheels = Path(shutil.copytree(store / "wheels", tmp_path / "wheels"))
    shutil.copy(bundled, wheels)
    true_probe = interpreters.probe
    monkeypatch.setattr(interpreters, "probe", lambda path, run: true_probe(path, run)._replace(has_ensurepip=False))
    record = environment.set_up(tmp_path / "engine", (), Source(wheels=str(wheels)), python=sys.executable,
                                lists=store / "lists")
    assert record["versions"] == {"tinybase": "1.0"}


def test_key_of_an_index_is_never_told(copied, store):
    """The user name and key in INDEX_URL appear in no message, no error and not on pip's command line."""
    (copied / environment.MARKER).unlink()
    commands, listener = [], Recorder(lambda recorder: commands.extend(command_lines()))
    source = Source(index_url=f"https://{WHO}@127.0.0.1:9/simple")
    environment._forget_half_installed(places.site_packages(copied))
    shutil.rmtree(places.site_packages(copied) / "tinybase-1.0.dist-info")
    with pytest.raises(SetupError) as raised:
        environment.set_up(copied, (), source, listener=listener, lists=store / "lists")
    told = "\n".join([*listener.messages, str(raised.value), raised.value.output, *commands])
    assert raised.value.failure.kind == "no network"
    assert commands
    assert "k3y" not in told
    assert "anna" not in told


def command_lines() -> list:
    """Command lines of all processes that run pip here."""
    return [command.decode("utf-8", "replace") for entry in Path("/proc").glob("[0-9]*/cmdline")
            for command in [_read(entry)] if b"\0pip\0install\0" in command]


def _read(path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


class Inspected(NamedTuple):
    """An index: its address, its certificate, and the folder that it shows."""

    address: str
    certificate: Path
    pages: Path


@pytest.fixture
def inspected(store, tmp_path):
    """Give an HTTPS index whose certificate only this machine may know, and the file of that certificate."""
    openssl = shutil.which("openssl")
    if not openssl:
        pytest.skip("openssl makes the certificate")
    try:
        socket.gethostbyname("localhost")
    except OSError:
        pytest.skip("this system has no /etc/hosts that knows localhost")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
                   check=True, capture_output=True)
    pages = tmp_path / "site"
    shutil.copytree(store / "wheels", pages / "tinybase")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=str(pages)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Inspected(f"https://localhost:{server.server_port}", certificate, pages)
    server.shutdown()
    server.server_close()


class Silent(http.server.SimpleHTTPRequestHandler):
    """Serves folders without a log."""

    def log_message(self, *arguments):
        pass


def without_tinybase(folder):
    """Take the package and the marker away again."""
    (folder / environment.MARKER).unlink()
    shutil.rmtree(places.site_packages(folder) / "tinybase-1.0.dist-info")
    (places.site_packages(folder) / "tinybase.py").unlink()


def test_certificate_that_only_the_system_trusts(copied, store, inspected, monkeypatch):
    """Where a proxy inspects traffic: pip's own list fails, the system's store is tried, and all is well."""
    address, certificate, _ = inspected
    monkeypatch.delenv("PIP_CERT", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setattr(installer, "_certificates_of_system", lambda: certificate.read_text(encoding="ascii"))
    without_tinybase(copied)
    listener = Recorder()
    record = environment.set_up(copied, (), Source(index_url=address), listener=listener, lists=store / "lists")
    assert record["versions"] == {"tinybase": "1.0"}
    assert listener.heard("trying those that this system trusts")


def test_certificate_that_nobody_trusts(copied, store, inspected, monkeypatch):
    """When the system does not trust it either, the remedy says how to get the certificate in."""
    address, _, _ = inspected
    monkeypatch.delenv("PIP_CERT", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    without_tinybase(copied)
    with pytest.raises(SetupError) as raised:
        environment.set_up(copied, (), Source(index_url=address), lists=store / "lists")
    assert raised.value.failure.kind == "certificate"
    assert "PIP_CERT" in raised.value.failure.remedy
    assert not (copied / "fetching").exists()


def test_system_certificates_are_pem():
    """The system's store is read as PEM text with whole certificates."""
    text = installer._certificates_of_system()
    assert text.count("BEGIN CERTIFICATE") == text.count("END CERTIFICATE")


def test_proxy_of_qgis_is_handed_to_pip(monkeypatch):
    """A proxy set in QGIS reaches pip, its user name and key escaped; the user's own variable comes first."""
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "PIP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    address = installer.proxy_address("proxy.example", 8080, "anna", "k/3@y")
    assert address == f"http://{WHO.replace('3', '%2F3%40')}@proxy.example:8080"
    assert installer.proxy_address("proxy.example", 0) == "http://proxy.example"
    assert Source(proxy=address).variables() == {"HTTPS_PROXY": address, "HTTP_PROXY": address}
    assert Source(proxy=address, wheels="/wheels").variables() == {}
    monkeypatch.setenv("HTTPS_PROXY", "http://other.example")
    assert Source(proxy=address).variables() == {}


def test_runs_as_a_plain_script(root, store, tmp_path):
    """Without any package and without QGIS the file is a small command line; it fails with sentence and remedy."""
    script = root / "algorithms" / "bridge" / "environment.py"
    (tmp_path / "empty").mkdir()
    ended = subprocess.run([sys.executable, "-I", str(script), "--folder", str(tmp_path / "engine"), "--wheels",
                            str(tmp_path / "empty")], capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 1
    assert "holds no wheel files" in ended.stderr
    assert "pip download" in ended.stderr
    assert "Traceback" not in ended.stderr


# Which engine answers.

def test_setting_comes_first(ready, copied, monkeypatch):
    """The Python in the setting wins over the managed environment: one of ours at once, another when it has the packages."""
    assert environment.find_engine(str(environment.python_of(ready[0])), ready[0].parent).kind == "setting"
    monkeypatch.setattr(requirements, "lowest_versions", lambda parts: {"tinybase": "1.0"})
    (copied / environment.MARKER).unlink()
    assert environment.find_engine(str(environment.python_of(copied)), ready[0].parent).kind == "setting"
    monkeypatch.setattr(requirements, "lowest_versions", lambda parts: {"tinybase": "1.0", "tinydask": "2.0"})
    environment._problem_of.cache_clear()
    with pytest.raises(SetupError, match="tinydask is missing"):
        environment.find_engine(str(environment.python_of(copied)), ready[0].parent)
    environment._problem_of.cache_clear()


def test_a_slow_python_is_not_refused(tmp_path, monkeypatch):
    """On a busy machine packages may take minutes to load: that says nothing against the Python of the setting."""
    slow = tmp_path / "python"
    slow.write_text("#!/bin/sh\nsleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setattr(environment, "SECONDS_TO_IMPORT", 0.3)
    assert environment.find_engine(str(slow), tmp_path).kind == "setting"


def test_setting_that_does_not_work_is_an_error(tmp_path, monkeypatch):
    """What the user chose is never passed over in silence."""
    with pytest.raises(SetupError, match="there is no such file"):
        environment.find_engine(str(tmp_path / "python"), tmp_path)
    monkeypatch.setattr(requirements, "lowest_versions", lambda parts: {"pip": "999"})
    monkeypatch.setattr(places, "record_of", lambda folder: {})  # this very Python may be one that we made
    environment._problem_of.cache_clear()
    with pytest.raises(SetupError, match="too old: pip "):
        environment.find_engine(sys.executable, tmp_path)
    environment._problem_of.cache_clear()


def test_managed_environment_answers(copied):
    """A complete managed environment is the engine; without its marker it is not."""
    base = copied.parent
    copied.rename(environment.managed_folder(base, "7"))
    engine = environment.find_engine("", base, "7")
    assert engine.kind == "managed"
    assert Path(engine.python).is_file()
    (environment.managed_folder(base, "7") / environment.MARKER).unlink()
    with pytest.raises(SetupError, match=r"is not complete.*setupengine"):
        environment.find_engine("", base, "7", layout=nowhere())


def test_missing_extra_names_the_call(ready):
    """A job that needs an extra says which, and how to have it."""
    base = ready[0].parent
    link = environment.managed_folder(base, "8")
    link.symlink_to(ready[0])
    with pytest.raises(SetupError, match=r"EXTRAS=learning \(about 205 MB to fetch and 900 MB on disk\)"):
        environment.find_engine("", base, "8", extras=["learning"])


def test_every_python_of_qgis_is_looked_at(tmp_path, monkeypatch):
    """One of QGIS's own Pythons that does not run outside QGIS does not hide the next; all reasons are told."""
    root = tmp_path / "OSGeo4W"
    for name in ("bin/python3.exe", "bin/qgis.exe", "apps/Python312/python.exe", "apps/Python39/python.exe"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x", encoding="utf-8")
    layout = interpreters.Layout("Windows", (3, 12), tmp_path, root / "bin" / "python3.exe")
    good = str(root / "apps" / "Python39" / "python.exe")
    monkeypatch.setattr(environment, "problem_of", lambda python, extras=(): "" if python == good else "no numpy")
    assert environment.find_engine("", tmp_path, layout=layout).python == good
    reasons = {str(root / "apps" / "Python312" / "python.exe"): "no numpy", good: "no scipy"}
    monkeypatch.setattr(environment, "problem_of", lambda python, extras=(): reasons.get(python, "does not run outside QGIS"))
    with pytest.raises(SetupError, match=r"Python312.*no numpy; .*no scipy; .*does not run outside QGIS"):
        environment.find_engine("", tmp_path, layout=layout)


def test_python_that_runs_qgis_stands_in(tmp_path, monkeypatch):
    """Without a managed environment a distribution's own Python is taken, if it has all; else the reason is told."""
    layout = interpreters.Layout("Linux", sys.version_info[:2], Path(sys.prefix), Path(sys.executable))
    monkeypatch.setattr(environment, "problem_of", lambda python, extras=(): "")
    assert environment.find_engine("", tmp_path, layout=layout).kind == "qgis"
    monkeypatch.setattr(environment, "problem_of", lambda python, extras=(): "its packages are too old")
    with pytest.raises(SetupError, match=r"has not been set up yet.*too old.*setupengine"):
        environment.find_engine("", tmp_path, layout=layout)


def nowhere():
    """A layout without any Python."""
    return interpreters.Layout("Linux", (3, 11), Path("/nowhere"), Path("/nowhere/qgis"))


# The lists of requirements.

@pytest.mark.parametrize("name", ["base", *requirements.EXTRAS])
def test_lists_are_pinned_with_sizes(name):
    """Every line of every list pins one version, and the list says what it costs."""
    text = (requirements.LISTS / f"{name}.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines
    assert all(re.fullmatch(r"[\w-]+==[\d.]+ *; [^#]+", line) for line in lines)
    base, with_extra = requirements.size_of(), requirements.size_of([] if name == "base" else [name])
    assert with_extra.disk >= base.disk > 100
    if name != "base":
        assert with_extra.fetch > base.fetch


@pytest.mark.parametrize("python", ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize(("system", "machine"), [("linux", "x86_64"), ("linux", "aarch64"), ("win32", "AMD64"),
                                                 ("darwin", "arm64"), ("darwin", "x86_64")])
def test_each_package_is_pinned_once(python, system, machine):
    """For every Python and system exactly one line of each package applies."""
    markers = pytest.importorskip("packaging.requirements")
    values = {"python_version": python, "sys_platform": system, "platform_machine": machine}
    for name in ("base", *requirements.EXTRAS):
        text = (requirements.LISTS / f"{name}.txt").read_text(encoding="utf-8")
        parsed = [markers.Requirement(line) for line in text.splitlines() if line and not line.startswith("#")]
        chosen = sorted(one.name for one in parsed if one.marker.evaluate(values))
        assert chosen == sorted(requirements.lowest_versions([name]))


PINNED_WITH_HASHES = re.compile(r"([\w.-]+)==([\w.]+)(?: ; ([^\\]+?))?(?: \\\n    --hash=sha256:[0-9a-f]{64})+\n")


def locked(name) -> list:
    """The entries of a locked list: name, version, marker."""
    text = requirements.locked(name).read_text(encoding="utf-8")
    body = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    found = list(PINNED_WITH_HASHES.finditer(body))
    assert "".join(one.group() for one in found) == body, f"{name}: an entry without a version or a hash"
    return [one.groups() for one in found]


def test_locks_hold_hashes_and_no_address():
    """Every entry of every locked list is one version with hashes of its files; none says where to fetch it."""
    names = ("base", *requirements.EXTRAS, "torch")
    assert sorted(path.stem for path in requirements.locked("base").parent.iterdir()) == sorted(names)
    assert all(len(locked(name)) > 10 for name in names)


@pytest.mark.parametrize("python", ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"])
@pytest.mark.parametrize(("system", "machine"), [("linux", "x86_64"), ("linux", "aarch64"), ("win32", "AMD64"),
                                                 ("darwin", "arm64"), ("darwin", "x86_64")])
def test_locks_hold_what_the_lists_pin(python, system, machine):
    """For every Python and system: the locked lists hold each pin, and no two of them another version of one package."""
    markers = pytest.importorskip("packaging.requirements")
    values = {"python_version": python, "python_full_version": f"{python}.1", "sys_platform": system, "platform_machine": machine,
              "platform_system": {"linux": "Linux", "win32": "Windows", "darwin": "Darwin"}[system], "platform_python_implementation":
              "CPython", "implementation_name": "cpython", "os_name": "nt" if system == "win32" else "posix"}

    def applies(marker) -> bool:
        return not marker or markers.Requirement(f"x ; {marker}").marker.evaluate(values)

    chosen = {}
    for name in ("base", *requirements.EXTRAS, "torch"):
        for package, version, marker in locked(name):
            if applies(marker):
                assert chosen.setdefault(package, version) == version, f"{package} in {name}"
    for line in (line for lines in requirements.pins(("base", *requirements.EXTRAS)) for line in lines):
        pin, _, marker = line.partition(";")
        if applies(marker):
            package, version = pin.strip().split("==")
            assert chosen[package] == version


def test_lowest_versions_are_compared_as_numbers():
    """The lowest pin is found by number, not by letters (3.9 is below 3.10)."""
    assert requirements.lowest_versions()["matplotlib"] == "3.9.4"
    assert requirements.lowest_versions(["learning"]) == {"torch": "2.3", "safetensors": "0.7.0"}
    assert requirements.as_numbers("2.13.0+cpu") == (2, 13, 0)
    assert requirements.as_numbers("1.10") > requirements.as_numbers("1.9.9")


@pytest.mark.parametrize(("torch", "system", "version", "build"), [
    ("cpu", "Linux", (3, 12), "cpu"), ("cuda", "Linux", (3, 12), ""), ("default", "Linux", (3, 12), ""),
    ("cpu", "Windows", (3, 12), ""),
    ("cuda", "Windows", (3, 12), "cu130"), ("cuda", "Windows", (3, 9), "cu126"), ("cpu", "Darwin", (3, 12), "")])
def test_choice_of_torch(torch, system, version, build, monkeypatch):
    """Where the package index holds another build, torch comes alone from its own; all else, and the index's build, by hash."""
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    first, *more = Source(torch=torch).calls(["base", "learning"], system, version)
    files = [str(requirements.locked(name)) for name in ("base", "learning", *([] if build else ["torch"]))]
    assert first.arguments == ["--require-hashes", *(part for file in files for part in ("-r", file))]
    assert not first.variables
    assert first.share + sum(call.share for call in more) == 1
    if build:
        (last,) = more
        assert last.variables == {"PIP_EXTRA_INDEX_URL": f"https://download.pytorch.org/whl/{build}"}
        assert last.arguments[0] == "--no-deps"
        assert [pin.split(";")[0].strip() for pin in last.arguments[1:]] == [f"torch==2.8.0+{build}", f"torch==2.13.0+{build}"]
    else:
        assert not more


def test_source_of_the_users_own_decides_which_torch():
    """An INDEX_URL or WHEELS may hold any build of torch: it is taken last, by its version; all else by hash."""
    for source in (Source(index_url="https://index.example/simple"), Source(wheels="/wheels", torch="cuda")):
        first, last = source.calls(["base", "learning"], "Linux", (3, 12))
        assert first.arguments[0] == "--require-hashes" and str(requirements.locked("torch")) not in first.arguments
        assert last.arguments == [pin for pin in requirements.pins(["learning"])[0] if pin.startswith("torch")] and not last.variables
    (only,) = Source(wheels="/wheels").calls(["base", "cluster"], "Linux", (3, 12))
    assert only.arguments[0] == "--require-hashes"


def test_cuda_costs_more():
    """The size that is told depends on the build."""
    assert requirements.size_of(["learning"], "cuda").disk > 3 * requirements.size_of(["learning"]).disk


@pytest.mark.parametrize(("line", "step"), [
    ("Collecting numpy==2.4.6 (from -r base.txt (line 3))", ("collect", "numpy==2.4.6", 0)),
    ("Processing ./wheels/tiny-1.0-py3-none-any.whl", ("collect", "tiny-1.0-py3-none-any.whl", 0)),
    ("  Downloading numpy-2.4.6-cp312-cp312-manylinux_2_27_x86_64.whl (16.6 MB)", ("fetch", "numpy 2.4.6", 16.6)),
    ("  Downloading http://127.0.0.1:8909/tiny-1.0-py3-none-any.whl (613 bytes)", ("fetch", "tiny 1.0", 613e-6)),
    ("Using cached torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl (191.8 MB)", ("fetch", "torch 2.13.0+cpu", 191.8)),
    ("  Downloading numpy-2.4.6-cp312-cp312-win_amd64.whl.metadata (62 kB)",
     ("other", "Downloading numpy-2.4.6-cp312-cp312-win_amd64.whl.metadata (62 kB)", 0)),
    ("Installing collected packages: a, b", ("unpack", "a, b", 0)),
    ("Successfully installed a-1 b-2", ("done", "a-1 b-2", 0)),
])
def test_lines_of_pip_are_read(line, step):
    """Lines of old and new pips are read alike."""
    read = installer.parse(line)
    assert (read.kind, read.what) == step[:2]
    assert read.megabytes == pytest.approx(step[2])


def test_progress_counts_bytes_then_packages(tmp_path):
    """The bar follows the bytes that have come in, then the packages that are in place."""
    fetched, site_packages = tmp_path / "fetching", tmp_path / "site-packages"
    fetched.mkdir()
    site_packages.mkdir()
    progress = installer.Progress(10, fetched, site_packages)
    (fetched / "half").write_bytes(bytes(5_000_000))
    assert progress.fraction() == pytest.approx(0.4)
    assert progress.line("Installing collected packages: a, b") == "Unpacking 2 packages"
    (site_packages / "a-1.dist-info").mkdir()
    assert progress.fraction() == pytest.approx(0.9)


@posix
def test_cancel_ends_grandchildren():
    """A cancelled command takes what it started with it."""
    started = threading.Event()
    pids = []

    def hear(line):
        pids.append(int(line))
        started.set()

    status, _ = processes.run(["/bin/sh", "-c", "sleep 60 & echo $!; wait"], cancelled=started.is_set, on_line=hear)
    assert status is None
    command_line, deadline = Path(f"/proc/{pids[0]}/cmdline"), time.monotonic() + 2
    while time.monotonic() < deadline and _read(command_line):
        time.sleep(0.05)
    assert not _read(command_line)


@pytest.mark.network
@pytest.mark.skipif(not os.environ.get("PHENOFUSE_NETWORK"), reason="fetches 180 MB: set PHENOFUSE_NETWORK=1")
def test_full_install_of_the_base(tmp_path):
    """The real base set comes from the package index and computes."""
    record = environment.set_up(tmp_path / "engine")
    assert set(record["versions"]) == {"numpy", "scipy", "numba", "rasterio", "matplotlib"}
    assert imports(tmp_path / "engine", "import numba; print(numba.njit(lambda x: x + 1)(1))") == "2"
    shutil.rmtree(tmp_path / "engine")
