"""Make the zip for the plugin site: one folder `phenofuse`, only what the plugin needs, the same bytes every time.

Usage: package.py FOLDER
"""

from __future__ import annotations

import configparser
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "phenofuse"
FILES = ("__init__.py", "plugin.py", "metadata.txt", "LICENSE", "README.md", "CHANGELOG.md")
ROOMS = ("algorithms", "core", "gui", "resources")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip can hold: the real ones would differ with every checkout
READABLE_FILE = 0o100644


def main(folder: Path) -> Path:
    """Write ``phenofuse-VERSION.zip`` into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{PACKAGE}-{metadata()['version']}.zip"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in contents():
            entry = zipfile.ZipInfo(f"{PACKAGE}/{path.relative_to(ROOT).as_posix()}", EPOCH)
            entry.external_attr = READABLE_FILE << 16
            entry.create_system = 3  # Unix, wherever it is made
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return target


def contents() -> list[Path]:
    """List the files of the plugin, sorted; nothing hidden, nothing compiled, no backups."""
    missing = [name for name in FILES if not (ROOT / name).is_file()]
    if missing:
        raise SystemExit(f"the plugin lacks {', '.join(missing)}")
    found = [ROOT / name for name in FILES]
    for room in ROOMS:
        found += [path for path in (ROOT / room).rglob("*") if path.is_file() and belongs(path.relative_to(ROOT))]
    return sorted(found)


def belongs(path: Path) -> bool:
    """Tell whether a file of a room is part of the plugin."""
    clean = not any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    return clean and path.suffix not in (".pyc", ".orig", ".rej") and not path.name.endswith("~")


def metadata() -> dict[str, str]:
    """Read metadata.txt as the site does."""
    parser = configparser.ConfigParser()
    parser.optionxform = str
    parser.read(ROOT / "metadata.txt", encoding="utf-8")
    return dict(parser["general"])


if __name__ == "__main__":
    print(main(Path(sys.argv[1])))
