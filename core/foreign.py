"""Texts that others wrote: files of users and tags of files. Whatever is wrong with one is a `ValueError` here."""

from __future__ import annotations

import codecs
import json
import locale
from pathlib import Path

# Longer marks first: the one of UTF-16 begins the one of UTF-32.
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
          (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
# Of what a raster says of itself in its tag; what a method adds of its own is asked for by that method alone.
_TYPES = {**dict.fromkeys(("variable", "units", "orbit", "method", "version", "metric"), str), "parameters": dict, "parents": list}
WESTERN = "cp1252"  # what Excel's "CSV" is in Western Europe and the Americas


def text_in(path: str | Path) -> str:
    """The text of a file, in whatever encoding Windows, a spreadsheet or an editor saved it.

    Raises
    ------
    OSError
        When it cannot be read.
    ValueError
        When it is no text.
    """
    return decoded(Path(path).read_bytes())


def decoded(content: bytes) -> str:
    """Text from bytes: by its byte-order mark, else UTF-16 where every other byte is 0, else UTF-8, else this machine's own."""
    encodings = [encoding for mark, encoding in _MARKS if content.startswith(mark)][:1]
    if not encodings and b"\0" in content[:2]:
        encodings = ["utf-16-be" if content[0] == 0 else "utf-16-le"]
    for encoding in encodings or ("utf-8", locale.getpreferredencoding(False), WESTERN):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise ValueError("it is no text")


def json_in(text: str | bytes, hook=None):
    """What JSON holds.

    Parameters
    ----------
    text : str or bytes
    hook : callable, optional
        Given each object when it is read; what it returns takes the object's place.

    Raises
    ------
    ValueError
        When it is no JSON, nested too deep to be read, or not what `hook` expects.
    """
    try:
        return json.loads((decoded(text) if isinstance(text, bytes) else text).lstrip("\ufeff"), object_hook=hook)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except (KeyError, TypeError, IndexError, AttributeError, OverflowError) as problem:  # of the hook
        raise ValueError(f"it holds something unexpected ({type(problem).__name__}: {problem})") from problem


def tag_in(text: str | None) -> dict:
    """The JSON object of a ``PHENOFUSE`` tag without what is not of the type that it should be; {} where it is none of ours."""
    try:
        content = json_in(text or "{}")
    except ValueError:
        return {}
    if not isinstance(content, dict):
        return {}
    return {key: value for key, value in content.items() if isinstance(value, _TYPES.get(key, object))}
