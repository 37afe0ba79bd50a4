"""Why an installation failed, in one plain sentence, and what to do about it.

pip and venv print pages of which one line matters. The classes below know those lines. They are tried in order:
what was certainly the end of the run comes before what may have been only a warning on the way.
"""
from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit


class Failure(NamedTuple):
    """A failure: a name for programs, a sentence and a remedy for people."""

    kind: str
    sentence: str
    remedy: str


class SetupError(Exception):
    """The environment could not be made or used; `failure` says why."""

    def __init__(self, failure: Failure, output: str = ""):
        super().__init__(f"{failure.sentence} {failure.remedy}".strip())
        self.failure = failure
        self.output = output


INTERRUPTED = Failure(
    "interrupted", "The installation was interrupted before it was complete.",
    "Run it again: it continues where it stopped.")
CANCELLED = Failure(
    "cancelled", "Cancelled before everything was installed.",
    "Run it again: it continues where it stopped.")
UNKNOWN = Failure(
    "unknown", "The installation failed for a reason that is not known here: \u201c{line}\u201d.",
    "Read the lines above; when they do not help, report them together with the text of the algorithm Check engine.")

_OFFLINE = "On a computer without a network, give WHEELS a folder of wheel files fetched elsewhere."

# (pattern, failure); the first pattern found in the output decides.
_KNOWN = [
    (r"No space left on device|\[Errno 28\]|\[WinError 112\]|not enough space on the disk|Disk quota exceeded",
     Failure("disk full", "The disk became full during the installation.",
             "Free some space, or give FOLDER a place on a larger disk; then run it again: it continues.")),
    (r"Long Path support enabled|\[WinError 206\]|\[Errno 36\]|File name too long|filename or extension is too long",
     Failure("long path", "A file name became longer than the system allows.",
             "Give FOLDER a short path such as C:\\phenofuse, or switch on long paths in Windows, and run it again.")),
    (r"\[WinError 32\]|being used by another process|failed to rename file|\[WinError 1224\]|"
     r"\[WinError 5\][^\n]*(?:~|\.pyd|\.dll)|operation did not complete successfully because the file contains a virus",
     Failure("file in use", "Another program (often a virus scanner, or a running engine) held one of the new files.",
             "Stop running Phenofuse jobs, except the folder from the virus scanner, and run it again: it continues.")),
    (r"\[Errno 13\]|\[WinError 5\]|Permission denied|Access is denied|\[Errno 30\]|Read-only file system",
     Failure("permission", "The installation was not allowed to write where it must: \u201c{line}\u201d.",
             "Give FOLDER a place that you may write to.")),
    (r"ensurepip is not\s+available|No module named '?(?:ensurepip|venv)'?|install the python3[\w.]*-venv",
     Failure("no ensurepip", "This Python lacks the part that makes environments (venv and ensurepip).",
             "On Debian and Ubuntu run: sudo apt install python3-venv. Elsewhere choose another PYTHON.")),
    (r"No module named '?pip'?(?:\W|$)",
     Failure("no pip", "This Python has no pip, so nothing can be installed with it.",
             "On Debian and Ubuntu run: sudo apt install python3-venv. Elsewhere choose another PYTHON.")),
    (r"DO NOT MATCH THE HASHES[^\n]*\n\s*([^\s;]+)|In --require-hashes mode[^\n]*\n\s*([^\s;]+)|hash mismatch|Hashes are required",
     Failure("hash mismatch", "A file is not the one that Phenofuse was tested with (damaged, or changed): {line}. "
             "It was not installed.",
             "Run it again; if it stays, a proxy or mirror alters files: choose another INDEX_URL, or fill WHEELS afresh.")),
    (r"407 Proxy Authentication|ProxyError|Cannot connect to proxy|Tunnel connection failed|proxy URL had no",
     Failure("proxy", "The proxy that stands between this computer and the package index{at} refused or did not answer.",
             "Set HTTPS_PROXY to http://user@host:port (Settings > Options > System > Environment), "
             f"or give INDEX_URL an index inside your network. {_OFFLINE}")),
    (r"ssl module (?:in Python )?is not available|Can't connect to HTTPS URL because the SSL module",
     Failure("no ssl", "This Python cannot speak HTTPS (its ssl module does not load).",
             "Choose another PYTHON, or give WHEELS a folder of wheel files.")),
    (r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|SSLError|self[- ]signed certificate|"
     r"Could not find a suitable TLS CA certificate bundle|SSLCertVerificationError",
     Failure("certificate", "The package index{at} showed a certificate that this Python does not trust; "
             "in offices a proxy that inspects traffic is the usual reason.",
             "Ask for your organisation's certificate file and set PIP_CERT to it "
             f"(Settings > Options > System > Environment), or choose an INDEX_URL inside your network. {_OFFLINE}")),
    (r"is not a trusted or secure host",
     Failure("not secure", "The package index is reached without encryption, which pip refuses.",
             "Give INDEX_URL with https://, or set PIP_TRUSTED_HOST to its name if you trust the network.")),
    (r"Temporary failure in name resolution|Name or service not known|getaddrinfo failed|nodename nor servname|"
     r"NameResolutionError|Network is unreachable|No route to host|Connection refused|NewConnectionError|"
     r"ConnectTimeoutError|ReadTimeoutError|Read timed out|Connection aborted|Connection reset by peer|"
     r"ConnectionResetError|IncompleteRead|incomplete-download|connection broken by|"
     r"\[WinError 100(?:13|51|53|54|60|61|65)\]",
     Failure("no network", "The package index{at} did not answer, or the connection broke.",
             f"Check the network, or give INDEX_URL an index you can reach; then run it again. {_OFFLINE}")),
    (r"requirement ([^\n(]+) \(from versions: none\)",
     Failure("not offered", "Nothing is on offer for {line}: the index or the folder of wheels has no file for this "
             "Python and system, is closed to you, or its address is wrong.",
             "Check INDEX_URL or WHEELS, or choose another PYTHON (3.12 has the widest choice).")),
    (r"No matching distribution found for ([^\n]+)",
     Failure("no wheel", "There is no ready-made package for this Python and system: {line}.",
             "Choose another PYTHON (3.12 has the widest choice), or another INDEX_URL.")),
    (r"is not a supported wheel on this platform|not compatible with this Python",
     Failure("no wheel", "A wheel is for another Python or system: \u201c{line}\u201d.",
             "Fetch wheels for this very Python version and system.")),
    (r"DLL load failed|The specified module could not be found|\[WinError 126\]|\[WinError 1114\]",
     Failure("system library", "A package was installed but a system library that it needs is missing or too old.",
             "On Windows install the current Microsoft Visual C++ Redistributable (x64), then run it again.")),
    (r"GLIBC(?:XX)?_[\d.]+' not found|cannot open shared object file",
     Failure("system library", "A package was installed but a system library that it needs is missing or too old: "
             "\u201c{line}\u201d.", "Update the system, or name a Python that has the packages as Engine Python.")),
    (r"No module named 'encodings'|init_fs_encoding|Failed to import encodings|platform independent libraries",
     Failure("broken python", "This Python does not run outside QGIS (it misses its own library).",
             "Choose another PYTHON, for example one from python.org.")),
    (r"Operation cancelled by user|KeyboardInterrupt", INTERRUPTED),
    (r"No module named '?([\w.]+)'?|ImportError",
     Failure("incomplete", "The package {line} is missing or not complete.", "Run it again with REBUILD.")),
]

# With at least one version on offer an index was reached, whatever warnings came before; but there may be another one
# that has the version which is asked for. What pip asked of it in vain, for the last time, names the package.
_VERSIONS_OFFERED = re.compile(r"requirement ([\w.-]+)[^\n]*\(from versions: (?!none\b)[^)]+\)")
_ASKED_IN_VAIN = re.compile(r"Retry\(total=0\b[^\n]*: (/[^\s']*)$", re.MULTILINE)
_INDEXES = re.compile(r"^Looking in indexes: (.+)$", re.MULTILINE)
_NETWORK_KINDS = ("proxy", "certificate", "no network")

# Exit statuses without words: minus a signal on POSIX, an NTSTATUS on Windows.
_ILLEGAL_INSTRUCTION = (-4, 132, 0xC000001D)
_CRASHES = (-11, -6, -7, -8, 134, 139, 0xC0000005, 0xC0000409)
_KILLED = (-2, -9, -15, 130, 137, 143, 0xC000013A)


def classify(output: str, status=None, proxied: bool = False) -> Failure:
    """What went wrong, from what pip or venv printed.

    Parameters
    ----------
    output : str
        All lines.
    status : int, optional
        The exit status; a process that was killed says nothing in its last lines.
    proxied : bool
        Whether a proxy is set: newer pips do not say that it was the proxy that did not answer.
    """
    text = redact(output)
    if status in _ILLEGAL_INSTRUCTION:
        return Failure("processor", "This processor lacks instructions that the packages are built for.",
                       "Name a Python with packages built for it (a distribution's own, or conda's) as Engine Python.")
    if status in _CRASHES:
        return Failure("crash", "Python crashed while it loaded the packages.", "Run it again with REBUILD.")
    offered = _VERSIONS_OFFERED.search(text)
    reached = offered and not any(_is_of(path, offered.group(1)) for path in _ASKED_IN_VAIN.findall(text))
    for pattern, failure in _KNOWN:
        found = re.search(pattern, text, re.MULTILINE)
        if not found or (reached and failure.kind in _NETWORK_KINDS):
            continue
        if failure.kind == "no network" and proxied:
            failure = next(known for _, known in _KNOWN if known.kind == "proxy")
        sentence = failure.sentence.replace("{at}", _at(text)).replace("{line}", _line(text, found))
        return failure._replace(sentence=sentence)
    if status in _KILLED:
        return INTERRUPTED
    return UNKNOWN._replace(sentence=UNKNOWN.sentence.replace("{line}", _last_line(text)))


def _is_of(path: str, package: str) -> bool:
    """Whether an index's page (``/simple/torch/``) is the one of a package."""
    return path.rstrip("/").rpartition("/")[2].lower() == re.sub(r"[-_.]+", "-", package).lower()


def _at(text: str) -> str:
    """Which of pip's hosts did not answer, as " at HOST"; '' where pip does not tell. Nothing of an address but its host."""
    hosts = re.findall(r"host='([\w.-]+)'", text)
    listed = _INDEXES.search(text)
    # pip names the indexes only when there is another than the public one, whose files have a host of their own.
    indexes = listed.group(1).split(", ") if listed else ["https://pypi.org/simple", "https://files.pythonhosted.org/packages"]
    for path in [] if hosts else _ASKED_IN_VAIN.findall(text):
        addresses = [urlsplit(index) for index in indexes]
        hosts += [one.hostname for one in addresses if one.hostname and one.path and path.startswith(one.path)]
    return f" at {' and '.join(dict.fromkeys(hosts))}" if hosts else ""


def redact(text: str) -> str:
    """`text` without the user name and key that an address may hold before its host, up to the @."""
    return re.sub(r"(\w+://)[^/\s@'\"]+@", r"\1***@", text)


def _line(text: str, found) -> str:
    """The line of a match, or what the match itself singled out, cut to a readable length."""
    singled_out = [group for group in found.groups() if group] if found.groups() else []
    if singled_out:
        return singled_out[0].strip()[:200]
    start = text.rfind("\n", 0, found.start()) + 1
    end = text.find("\n", found.end())
    return text[start:end if end >= 0 else None].strip().replace("ERROR: ", "")[:200]


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["no output"])[-1][:200]
