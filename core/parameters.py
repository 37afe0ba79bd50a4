"""Reading a job's parameters."""
from __future__ import annotations


def given(parameters: dict, key: str, default):
    """A parameter, or its default where it is missing or None (0 and False are values)."""
    value = parameters.get(key)
    return default if value is None else value
