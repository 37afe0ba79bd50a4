"""Programs for Windows run here, under Wine, with a deadline: none of them outlives it. Standard library only.

By hand: ``wine.py FOLDER python -c "import sys; print(sys.platform)"``, where `make.py` has made FOLDER.
"""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

# .NET and a browser are not wanted, nor are entries in the desktop's menus.
NOT_LOADED = "mscoree,mshtml,winemenubuilder.exe="
# Copies of Wine's C library in which two functions are mended (see make.py): our own file comes before the built-in one.
OWN_LIBRARIES = "ucrtbase=n,b"
# These name files of this machine, which programs for Windows see under Z:.
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
SECONDS_TO_READ_ON = 2.0  # what a program that has ended may still have in its pipe


class Ended(NamedTuple):
    """How a program ended: `status` is None when the deadline ended it; `text` is all that it printed."""

    status: int | None
    text: str


def windows_path(path) -> str:
    """A path of this machine as a program under Wine knows it."""
    return "Z:" + str(Path(path).absolute()).replace("/", "\\")


class Wine:
    """A Windows of its own, with a Python, in a folder that `make.py` has made.

    Parameters
    ----------
    folder : Path
        Holds ``prefix`` (the Windows) and ``python``.
    """

    def __init__(self, folder):
        self.folder = Path(folder).absolute()
        self.prefix, self.python = self.folder / "prefix", self.folder / "python" / "python.exe"

    def variables(self) -> dict:
        """The environment of a program: this machine's, without what is meant for this machine's own Python and pip."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_", "WINE", "GDAL_", "PROJ_"))}
        kept.update({name: windows_path(kept[name]) for name in CERTIFICATES if kept.get(name, "").startswith("/")})
        return {**kept, "WINEPREFIX": str(self.prefix), "WINEDEBUG": "-all", "WINEDLLOVERRIDES": f"{NOT_LOADED};{OWN_LIBRARIES}",
                "LC_ALL": "C.UTF-8", "DISPLAY": ""}  # names with accents need a locale that knows them

    def begin(self) -> None:
        """Start the Windows, and keep it between programs: each starts two seconds earlier."""
        self._tell("-p")

    def end(self) -> None:
        """End every program in it, and itself."""
        self._tell("-k")
        self._tell("-w")

    def _tell(self, option: str) -> None:  # no pipes: the server would keep them open
        subprocess.run(["wineserver", option], env=self.variables(), check=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    def start(self, program, *arguments, on_line=None) -> Program:
        """Start a program (a path of this machine, or a name that Wine knows)."""
        return Program(["wine", str(program), *map(str, arguments)], self.variables(), self.folder, on_line)

    def run(self, program, *arguments, seconds: float) -> Ended:
        """Run a program to its end. When it is not over in time, all that runs in this Windows is ended with it."""
        started = self.start(program, *arguments)
        status = started.wait(seconds)
        if status is None:
            self.start_afresh(started)
        return Ended(status, started.text())

    def running(self, program: str) -> int:
        """How many programs of a name run in this Windows now, as this machine sees it."""
        mark, found = f"WINEPREFIX={self.prefix}".encode(), 0
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                state = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
                found += ((folder / "comm").read_text(errors="replace").strip() == program and state != "Z"
                          and mark in (folder / "environ").read_bytes().split(b"\0"))
            except OSError:
                continue  # it has just ended, or is none of ours
        return found

    def start_afresh(self, program: Program) -> None:
        """End a program that hangs, with all else in this Windows."""
        program.kill()
        self.end()
        self.begin()


class Program:
    """A running program. Wine 8 takes only pipes for standard streams: input is at its end at once, output is read by a thread."""

    def __init__(self, command: list, variables: dict, folder: Path, on_line=None):
        self._process = subprocess.Popen(command, env=variables, cwd=folder, start_new_session=True, stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._process.stdin.close()
        self._lines: list = []
        self._on_line = on_line or (lambda line: None)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait(self, seconds: float | None) -> int | None:
        """Wait for its end; None when it takes longer."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """End it now."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()

    def text(self) -> str:
        """What it has printed so far."""
        if self._process.poll() is not None:
            self._reader.join(SECONDS_TO_READ_ON)
        return "".join(self._lines)

    def _read(self) -> None:
        with self._process.stdout as stream:
            for line in stream:
                self._lines.append(line.decode("utf-8", "replace").replace("\r\n", "\n"))
                self._on_line(self._lines[-1])


def main(folder: str, program: str, *arguments: str) -> int:
    """Run one program, telling what it prints as it comes; returns its exit status."""
    wine = Wine(folder)
    started = wine.start(wine.python if program == "python" else program, *arguments,
                         on_line=lambda line: print(line, end="", flush=True))
    try:
        return started.wait(None)
    finally:
        started.text()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
