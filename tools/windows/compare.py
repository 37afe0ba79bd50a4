"""Whether what a job made under Windows is what it made here: rasters, tables, reports, numbers, whole folders.

Two systems' mathematical functions differ in the last digit, and what is fitted by iteration carries that on; so numbers may
differ by a tolerance, while codes, counts, dates, names, units, grids and places without a value may not.
"""
from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path

import numpy as np
import rasterio

# Relative to 1, in the units of the rasters (NDVI, dB, days): what float32 keeps of numbers of some thousands, and a tenth of
# what a Sentinel-2 band is stored to.
TOLERANCE = 1e-4
# Measured times, places and versions of the system, which are each system's own.
OWN = re.compile(r"seconds|folder|path|python|system|parents|time$", re.IGNORECASE)


class Different(Exception):
    """One sentence: what differs."""


def same(ours: Path, theirs: Path) -> float:
    """Compare two files or folders of one name; returns the largest difference of a number.

    Raises
    ------
    Different
        When they are not the same.
    """
    if not theirs.exists():
        raise Different(f"{theirs.name} is missing")
    if ours.is_dir():
        names = [sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) for folder in (ours, theirs)]
        if names[0] != names[1]:
            raise Different(f"{ours.name} holds other files: {sorted(set(names[0]) ^ set(names[1]))[:5]}")
        return max((same(ours / name, theirs / name) for name in names[0] if (ours / name).is_file()), default=0.0)
    kinds = {".tif": _rasters, ".csv": _tables, ".json": _numbers_of, ".geojson": _numbers_of, ".npz": _arrays,
             ".html": _pages, ".txt": _texts}
    if ours.suffix not in kinds:
        raise Different(f"{ours.name} is of a kind that nobody compares")
    return kinds[ours.suffix](ours, theirs)


def same_numbers(ours, theirs, where: str = "") -> float:
    """Compare what JSON holds; returns the largest difference."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        keys = [{key for key in one if not OWN.search(key)} for one in (ours, theirs)]
        if keys[0] != keys[1]:
            raise Different(f"{where or 'the result'} has other keys: {sorted(keys[0] ^ keys[1])}")
        return max((same_numbers(ours[key], theirs[key], f"{where}.{key}".strip(".")) for key in keys[0]), default=0.0)
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return max((same_numbers(a, b, f"{where}[{at}]") for at, (a, b) in enumerate(zip(ours, theirs))), default=0.0)
    if isinstance(ours, float) and isinstance(theirs, (int, float)):
        if ours == theirs or math.isnan(ours) and math.isnan(theirs):  # infinite ones too
            return 0.0
        if abs(ours - theirs) <= TOLERANCE * max(1.0, min(abs(ours), abs(theirs))):
            return abs(ours - theirs)
    elif ours == theirs:
        return 0.0
    raise Different(f"{where} is {_short(theirs)} in place of {_short(ours)}")


def _rasters(ours: Path, theirs: Path) -> float:
    with rasterio.open(ours) as one, rasterio.open(theirs) as other:
        for name in ("count", "dtypes", "shape", "crs", "transform", "descriptions", "units", "block_shapes", "compression"):
            if getattr(one, name) != getattr(other, name):
                raise Different(f"{ours.name}: {name} is {_short(getattr(other, name))} in place of {_short(getattr(one, name))}")
        same_numbers(_tags(one), _tags(other), f"{ours.name}: tags")
        values, others = one.read(), other.read()
        if not np.array_equal(one.read_masks(), other.read_masks()) or not np.array_equal(np.isfinite(values), np.isfinite(others)):
            raise Different(f"{ours.name}: other places have no value")
    if values.dtype.kind != "f":
        if not np.array_equal(values, others):
            raise Different(f"{ours.name}: {np.mean(values != others):.2%} of the codes or counts differ")
        return 0.0
    finite = np.isfinite(values)
    apart = np.abs(values[finite].astype(float) - others[finite])
    over = apart > TOLERANCE * np.maximum(1, np.abs(values[finite]))
    if over.any():
        raise Different(f"{ours.name}: {over.mean():.2%} of the values differ, by up to {apart.max():.3g}")
    return float(apart.max(initial=0.0))


def _tags(source) -> dict:
    found = {band: source.tags(band) for band in range(1, source.count + 1)}
    header = json.loads(source.tags().get("PHENOFUSE", "{}"))
    header.pop("parameters", None)  # it names files
    return {**{str(band): tags for band, tags in found.items()}, "header": header}


def _tables(ours: Path, theirs: Path) -> float:
    tables = []
    for path in (ours, theirs):
        with open(path, newline="", encoding="utf-8-sig") as stream:
            tables.append([{key: _number(cell) for key, cell in row.items()} for row in csv.DictReader(stream)])
    return same_numbers(*tables, ours.name)


def _numbers_of(ours: Path, theirs: Path) -> float:
    return same_numbers(*(json.loads(path.read_text(encoding="utf-8")) for path in (ours, theirs)), ours.name)


def _arrays(ours: Path, theirs: Path) -> float:
    """What was learnt: a card of JSON, as bytes, and arrays."""
    with np.load(ours, allow_pickle=False) as one, np.load(theirs, allow_pickle=False) as other:
        found = [{name: json.loads(bytes(file[name])) if file[name].dtype == np.uint8 else file[name].tolist() for name in file.files}
                 for file in (one, other)]  # fmt: skip
    return same_numbers(*found, ours.name)


def _texts(ours: Path, theirs: Path) -> float:
    if ours.read_text(encoding="utf-8") != theirs.read_text(encoding="utf-8"):  # whatever their ends of lines
        raise Different(f"{ours.name} has other words")
    return 0.0


def _pages(ours: Path, theirs: Path) -> float:
    """A report is whole and has the same headings and figures; its numbers are those of the job's result and tables."""
    texts = [path.read_text(encoding="utf-8") for path in (ours, theirs)]
    if not texts[1].rstrip().endswith("</html>"):
        raise Different(f"{ours.name} ends in the middle")
    for pattern in (r"<h\d[^>]*>.*?</h\d>", r"<(?:svg|img|table)\b"):
        found = [re.findall(pattern, text, re.DOTALL) for text in texts]
        if found[0] != found[1]:
            raise Different(f"{ours.name} has other headings or figures")
    return 0.0


def _number(cell: str):
    try:
        return float(cell)
    except (TypeError, ValueError):
        return cell


def _short(value) -> str:
    text = str(value)
    return text if len(text) < 80 else text[:77] + "..."
