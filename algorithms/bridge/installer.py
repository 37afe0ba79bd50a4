"""pip, run from outside: where packages come from, how far it is, and gone at once when the user cancels."""
from __future__ import annotations

import os
import re
import shutil
import ssl
import time
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from . import failures, processes, requirements
from .failures import SetupError

SECONDS_BETWEEN_MEASUREMENTS = 0.5
# Of the bar: fetching, and then unpacking; the rest is for making the environment and trying it.
FETCHED, UNPACKED = 0.8, 1.0
# pip's default of 5 lets a computer without a network wait for minutes before it hears why.
RETRIES = "2"

# torch's own indexes, a build each. The package index holds the CUDA build for Linux and the processor build for Windows.
TORCH_INDEX = "https://download.pytorch.org/whl/{build}"
CUDA, CUDA_OLD = "cu130", "cu126"                    # the older one for the last torch of Python 3.9
TORCH_SHARE = 0.9                                    # of what learning fetches, with the build for processors


class Call(NamedTuple):
    """One call of pip: what to install, more of pip's variables, and its share of what is fetched."""

    arguments: list
    variables: dict
    share: float = 1.0


class Source(NamedTuple):
    """Where packages come from: an index (through a proxy), or a folder of wheels without a network; which torch."""

    index_url: str = ""
    wheels: str = ""
    torch: str = "cpu"
    proxy: str = ""

    def arguments(self) -> list:
        """pip's arguments that choose the source. The index travels in the environment: it may hold a key."""
        return ["--no-index", "--find-links", self.wheels] if self.wheels else []

    def variables(self) -> dict:
        """pip's variables that choose the source; a proxy that the user set for all programs comes first."""
        if self.wheels:
            return {}
        chosen = {"PIP_INDEX_URL": self.index_url} if self.index_url else {}
        if self.proxy and not _proxied(os.environ):
            chosen.update(HTTPS_PROXY=self.proxy, HTTP_PROXY=self.proxy)
        return chosen

    def calls(self, names, system: str, version: tuple, lists=requirements.LISTS) -> list:
        """The calls of pip that install some lists, every file by its hash.

        All but torch, where the package index does not hold the build that is wanted: it comes last and alone from an index
        of its own, by a version which no other index has; that index, reached by HTTPS, vouches for it. A source of the
        user's own may hold any build; it decides by itself what torch is.
        """
        build, own = self.build_of_torch(system, version), bool(self.index_url or self.wheels)
        pins = [line for line in requirements.pins(["learning"], lists)[0] if line.startswith("torch==")] if "learning" in names else []
        apart = bool(pins) and (own or bool(build))
        wanted = [*names, *(["torch"] if pins and not apart else [])]
        hashed = ["--require-hashes", *(part for name in wanted for part in ("-r", str(requirements.locked(name, lists))))]
        if not apart:
            return [Call(hashed, {})]
        if own:
            torch = Call(pins, {}, TORCH_SHARE)
        else:
            indexes = filter(None, [os.environ.get("PIP_EXTRA_INDEX_URL"), TORCH_INDEX.format(build=build)])
            torch = Call(["--no-deps", *(re.sub(r"^torch==([\d.]+)", rf"torch==\1+{build}", line) for line in pins)],
                         {"PIP_EXTRA_INDEX_URL": " ".join(indexes)}, TORCH_SHARE)
        return [Call(hashed, {}, 1 - TORCH_SHARE), torch]

    def build_of_torch(self, system: str, version: tuple) -> str:
        """The build of torch to be had from an index of its own; empty where the source itself has what is wanted."""
        if self.index_url or self.wheels:
            return ""
        if self.torch == "cuda" and system == "Windows":
            return CUDA if version[:2] >= (3, 10) else CUDA_OLD
        return "cpu" if self.torch == "cpu" and system == "Linux" else ""


class Step(NamedTuple):
    """What a line of pip's tells: `kind` is collect, fetch, unpack, done or other."""

    kind: str
    what: str = ""
    megabytes: float = 0.0


_FETCH = re.compile(r"^\s*(?:Downloading|Using cached) (?:\S+/)?([^\s/]+?)-([^-\s]+)-\S*?\.whl "
                    r"\(([\d.]+) ?(bytes|kB|MB|GB)\)")
_UNITS = {"bytes": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}


def parse(line: str) -> Step:
    """Read one line of pip's output (any pip from 20 on)."""
    found = _FETCH.match(line)
    if found:
        name, version, amount, unit = found.groups()
        return Step("fetch", f"{name} {version}", float(amount) * _UNITS[unit])
    if line.startswith(("Collecting ", "Processing ")):
        return Step("collect", line.split()[1].split("/")[-1])
    if line.startswith("Installing collected packages:"):
        return Step("unpack", line.split(":", 1)[1].strip())
    if line.startswith("Successfully installed"):
        return Step("done", line[len("Successfully installed"):].strip())
    return Step("other", line.strip())


class Progress:
    """How far pip is, from its lines, the size of what it has fetched and the packages that are in place.

    Parameters
    ----------
    expected_megabytes : float
        What will be fetched, about.
    fetched_into : Path
        pip's temporary folder: its size is known even while one large file comes in.
    unpacked_into : Path
        The site-packages folder.
    """

    def __init__(self, expected_megabytes: float, fetched_into: Path, unpacked_into: Path):
        self._expected = max(expected_megabytes, 1.0)
        self._fetched_into, self._unpacked_into = fetched_into, unpacked_into
        self._packages = self._packages_before = 0

    def line(self, line: str) -> str:
        """Take in a line of pip's; returns what is worth showing, or nothing."""
        step = parse(line)
        if step.kind == "fetch" and step.megabytes >= 1:
            return f"Fetching {step.what} ({step.megabytes:.0f} MB)"
        if step.kind == "unpack":
            self._packages = step.what.count(",") + 1
            self._packages_before = self._count()
            return f"Unpacking {self._packages} packages"
        return ""

    def fraction(self) -> float:
        """The share of the work that is done."""
        if self._packages:
            return FETCHED + (UNPACKED - FETCHED) * min(1.0, (self._count() - self._packages_before) / self._packages)
        return FETCHED * min(1.0, folder_megabytes(self._fetched_into) / self._expected)

    def _count(self) -> int:
        return sum(1 for _ in self._unpacked_into.glob("*.dist-info"))


def install(python: str, arguments: list, source: Source, temporary: Path, site_packages: Path, megabytes: float,
            listener, more: dict | None = None) -> str:
    """Run ``pip install`` of an environment's Python and return what it printed.

    Parameters
    ----------
    python : str
        The environment's Python.
    arguments : list
        What to install (names, or ``-r FILE``).
    source : Source
        Where packages come from.
    temporary : Path
        A folder for what is fetched: beside the environment, since the system's own is often small. Removed at the end.
    site_packages : Path
        Where the packages arrive.
    megabytes : float
        What will be fetched, about.
    listener : object
        With ``progress(fraction, eta_s)``, ``message(level, text)`` and ``cancelled()``.
    more : dict, optional
        More of pip's variables.

    Raises
    ------
    SetupError
        With the reason and the remedy.
    """
    command = processes.module_on_a_leash(
        python, "pip", "install", "--no-input", "--disable-pip-version-check", "--no-warn-script-location",
        "--only-binary=:all:", "--progress-bar=off", *source.arguments(), *arguments)
    chosen = {**dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary)), **source.variables(), **(more or {})}
    progress = Progress(megabytes, temporary, site_packages)
    temporary.mkdir(parents=True, exist_ok=True)
    try:
        return _run_pip(command, variables(chosen), progress, listener)
    except SetupError as error:
        trusted = _certificates_of_system()
        if error.failure.kind != "certificate" or os.environ.get("PIP_CERT") or not trusted:
            raise
        listener.message("info", "pip does not know the certificate of the package index; "
                                 "trying those that this system trusts.")
        bundle = temporary / "certificates.pem"
        bundle.write_text(trusted, encoding="ascii")
        return _run_pip(command, variables({**chosen, "PIP_CERT": str(bundle)}), progress, listener)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _run_pip(command: list, given: dict, progress: Progress, listener) -> str:
    last, told = [time.monotonic()], set()

    def hear(line: str) -> None:
        if line.startswith("WARNING: Retrying"):
            shown = "A package index does not answer; trying again."
        else:
            shown = progress.line(line) or (line if line.startswith("ERROR") else "")
        if shown and shown not in told:
            told.add(shown)
            listener.message("info", failures.redact(shown))

    def look() -> None:
        if time.monotonic() - last[0] >= SECONDS_BETWEEN_MEASUREMENTS:
            last[0] = time.monotonic()
            listener.progress(progress.fraction(), None)

    status, output = processes.run(command, given, listener.cancelled, hear, look, leash=True)
    require(status, output, _proxied(given))
    return output


def require(status, output: str, proxied: bool = False) -> None:
    """Raise what `processes.run` came back with, unless it was success; `proxied` says whether a proxy was set."""
    if status == 0:
        return
    failure = failures.CANCELLED if status is None else failures.classify(output, status, proxied)
    raise SetupError(failure, failures.redact(output))


def variables(more: dict) -> dict:
    """The environment for pip: clean, with the user's own settings for network and certificates kept."""
    # A pip.conf that says "user = true" would send the packages out of the environment.
    given = {"PIP_RETRIES": RETRIES, **processes.clean_environment(), "PIP_USER": "0", **more}
    if given.get("PIP_CERT"):                        # the library in pip would prefer these to what pip is told
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            given.pop(name, None)
    return given


def proxy_address(host: str, port: int, user: str = "", key: str = "") -> str:
    """The address of an HTTP proxy, as pip takes it."""
    who = quote(user, safe="") + (":" + quote(key, safe="") if key else "") + "@" if user else ""
    return f"http://{who}{host}" + (f":{port}" if port else "")


def _proxied(variables) -> bool:
    """Whether these variables name a proxy."""
    return any(variables.get(name) for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "PIP_PROXY"))


def _certificates_of_system() -> str:
    """What this system trusts, as PEM text; '' for nothing.

    Older pips know only the list they bring. Where a proxy inspects traffic, its certificate is in the system's store.
    """
    trusted = ssl.create_default_context().get_ca_certs(binary_form=True)
    return "".join(ssl.DER_cert_to_PEM_cert(certificate) for certificate in trusted)


def folder_megabytes(folder: Path) -> float:
    """The size of all files below a folder."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:                          # gone between listing and looking
                continue
    return total / 1e6
