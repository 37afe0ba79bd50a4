"""Which bands of a set of files hold the variable that is wanted; what says it is something else stays out, aloud."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError
from ..outputs import PART_OF_FILE
from .identity import Said, matches, said_by
from .raw import Band, RasterFile
from .variables import Variable, variable_named

PREFERRED = "NDVI"  # of the variables of one NetCDF or HDF file, where none is asked for


@dataclass(frozen=True)
class Candidate:
    """A band, its file, what it says that it is, and the folders that the file lies in (see `identity.said_by`)."""

    file: RasterFile
    band: Band
    said: Said
    folder: str = ""

    @property
    def label(self) -> str:
        """Its name for people: the file, and the band where the file has several."""
        name = f"{self.folder}/{Path(self.file.path).name}".lstrip("/")
        if len(self.file.bands) == 1:
            return name
        return f"{name} {self.band.description or self.said.dimensions or f'band {self.band.index}'}"


def parts_of(file: RasterFile) -> list[RasterFile]:
    """The variables of a NetCDF or HDF file that holds several, each as a file; any other file as it is."""
    return [file] if file.bands or not file.parts else [RasterFile.open(part) for part in file.parts]


def candidates(files, number: int | None = None, folders=None) -> list[Candidate]:
    """All bands of the files, or one of each by its number.

    Parameters
    ----------
    files : list of RasterFile
    number : int, optional
    folders : list of str, optional
        Of each file, as `names.folders_of` tells them.

    Raises
    ------
    InputError
        When a file has no band of that number.
    """
    found = []
    for file, folder in zip(files, folders or [""] * len(files)):
        if number and number > len(file.bands):
            raise InputError(
                f"{Path(file.path).name} has {len(file.bands)} bands, so there is no band {number}.", "Change BAND."
            )
        bands = (file.bands[number - 1],) if number else file.bands
        found += [Candidate(file, band, said_by(file, band, folder), folder) for band in bands]
    return found


def choose(
    found: list[Candidate], wanted: str | None, events=None, remedy: str = "Say which one as VARIABLE."
) -> list[Candidate]:
    """The bands that hold what is wanted, or the one thing that all of them hold.

    Parameters
    ----------
    found : list of Candidate
    wanted : str, optional
        A variable (``NDVI``), or a name of which it is part (``NDVI_masked``).
    events : Events, optional
        Told what stays out.
    remedy : str
        Of the error when several things are there and none is asked for.

    Raises
    ------
    InputError
        When nothing says that it is the variable while others say what they are, or several variables are there and none
        is asked for; the message lists what there is.
    """
    if wanted:
        taken = [one for one in found if one.band.description.lower() == wanted.lower()]
        taken = taken or [one for one in found if matches(one.said, wanted)]
        if not taken:
            taken = _silent(found, wanted)
    else:
        kinds = {one.said.names for one in found if one.said.names}
        if len(kinds) > 1:
            preferred = [one for one in found if one.said.names == {PREFERRED}]
            if not preferred or not _are_parts(found):
                raise InputError(f"There are several variables in {place(found)}: {listed(found)}.", remedy)
            kinds = {frozenset((PREFERRED,))}
        mixed = {one.file.path for one in found if not one.said.names} & {
            one.file.path for one in found if one.said.names
        }
        if mixed:
            raise InputError(f"{Path(min(mixed)).name} holds several variables: {listed(found)}.", remedy)
        taken = [one for one in found if one.said.names in kinds] if kinds else list(found)
    out = _without(found, taken)
    if out and events is not None:
        events.info(f"Left out, since they are something else or do not say what they are: {listed(out)}.")
    return taken


def variable_of(taken: list[Candidate], wanted: str | None = None) -> Variable:
    """The variable asked for, or what file, name or bands say; else one of unknown name and range."""
    if wanted:
        return variable_named(wanted)
    first = taken[0]
    header = first.file.header.get("variable")
    if header:
        return variable_named(header)
    if len(first.said.names) == 1:
        return variable_named(next(iter(first.said.names)))
    for said in (first.file.tags.get("variable"), first.band.tags.get("NETCDF_VARNAME")):
        if said:
            return variable_named(said)
    return variable_named("")


def _silent(found: list, wanted: str) -> list:
    """All bands, where none says what it is; then they are believed to be what is asked for."""
    speaking = [one for one in found if one.said.names]
    if not speaking and not _are_parts(found):
        return list(found)
    raise InputError(
        f"Nothing in {place(found)} says that it is {wanted}; there is {listed(found)}.",
        f"Give another VARIABLE or folder. Where a file is {wanted} without saying so, choose it alone by LAYERS or PATTERN, and BAND.",
    )


def _are_parts(found: list) -> bool:
    """Whether all are variables of files that hold several."""
    paths = {one.file.path for one in found}
    return len(paths) > len({m["file"] if (m := PART_OF_FILE.match(path)) else path for path in paths}) and all(
        map(PART_OF_FILE.match, paths)
    )


def _without(found: list, taken: list) -> list:
    kept = {id(one) for one in taken}
    return [one for one in found if id(one) not in kept]


def listed(found: list) -> str:
    """What there is, with the number of files or bands of each."""
    kinds = {}
    for one in found:
        kinds.setdefault(_kind(one), []).append(one)
    several = len({one.file.path for one in found}) > 1
    unit = ("file", "files") if several and all(len(one.file.bands) == 1 for one in found) else ("band", "bands")
    return ", ".join(f"{_name(ones)} ({len(ones)} {unit[len(ones) > 1]})" for ones in list(kinds.values())[:12]) + (
        f" and {len(kinds) - 12} more" if len(kinds) > 12 else ""
    )


def _kind(one: Candidate) -> tuple:
    """What bands share that are one entry of a list: their names, else all words but dates and places."""
    return (one.said.names,) if one.said.names else (one.said.words, *([] if one.band.description else [one.band.index]))


def _name(ones: list) -> str:
    one = ones[0]
    if one.said.names:
        return one.said.text
    described = one.band.description if re.search("[A-Za-z]{2}", one.band.description) else ""  # not a mere date
    named = described or one.said.dimensions or (one.file.name if PART_OF_FILE.match(one.file.path) else "")
    several = len({other.band.description for other in ones}) > 1 or len(one.file.bands) == 1
    like = " and others like it" if len(ones) > 1 and several else ""
    return named + like if named else f"{one.label}{like}, unnamed"


def place(found: list) -> str:
    """The file, or how many there are, for a sentence."""
    paths = list(dict.fromkeys(one.file.path for one in found))
    return Path(paths[0]).name if len(paths) == 1 else f"the {len(paths)} files"
