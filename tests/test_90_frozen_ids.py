"""Ids, keys, choices and outputs are API: models, scripts and batch files hold them, so what is released never changes.

`tests/frozen_ids.json` holds them. After adding an algorithm, a parameter, a choice or an output, write it anew with

    PHENOFUSE_FREEZE=1 ./dev test tests/test_90_frozen_ids.py

which adds what is new and refuses to forget what was there.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("qgis.core")
from qgis.PyQt.QtCore import QUrl

FROZEN = Path(__file__).with_name("frozen_ids.json")


def describe(algorithm) -> dict:
    """Say what others rely on in an algorithm: group, parameters with their choices, outputs."""
    parameters = {}
    for definition in algorithm.parameterDefinitions():
        parameters[definition.name()] = {"type": definition.type()}
        if definition.type() == "enum":
            assert definition.usesStaticStrings(), (
                f"{algorithm.name()} {definition.name()}: models must hold words, not numbers"
            )
            parameters[definition.name()]["choices"] = definition.options()
    outputs = {definition.name(): definition.type() for definition in algorithm.outputDefinitions()}
    return {"group": algorithm.groupId(), "parameters": parameters, "outputs": outputs}


def lost(before, now, where: str = "") -> list[str]:
    """List what was in `before` and is gone from `now`, or has changed."""
    if isinstance(before, dict):
        return [
            text
            for key, value in before.items()
            for text in (lost(value, now[key], f"{where} {key}") if key in now else [f"{where} {key} is gone"])
        ]
    if isinstance(before, list):
        return [f"{where} {value} is gone" for value in before if value not in now]
    return [] if before == now else [f"{where} was {before}, is {now}"]


@pytest.fixture(scope="module")
def present(provider) -> dict:
    """Describe all algorithms of the provider, by id."""
    return {
        algorithm.name(): describe(algorithm) for algorithm in sorted(provider.algorithms(), key=lambda one: one.name())
    }


def test_what_was_frozen_is_still_there_and_nothing_is_unfrozen(present):
    """The provider offers exactly what the file holds."""
    frozen = json.loads(FROZEN.read_text(encoding="utf-8")) if FROZEN.exists() else {}
    assert not lost(frozen, present)
    if os.environ.get("PHENOFUSE_FREEZE"):
        FROZEN.write_text(json.dumps(present, indent=1) + "\n", encoding="utf-8")
        return
    assert not lost(present, frozen), "freeze what is new: see the top of this file"


def test_ids_are_plain_words(provider, algorithms, root):
    """Ids are lower-case letters and digits; each algorithm lies in the file named by its id in its group's room."""
    assert provider.id() == "phenofuse"
    for algorithm in algorithms:
        assert re.fullmatch(r"[a-z][a-z0-9]*", algorithm.name())
        assert (root / "algorithms" / algorithm.groupId() / f"{algorithm.name()}.py").is_file()


def test_the_readme_lists_what_there_is(algorithms, root):
    """The README's table names exactly the algorithms of the provider, and its pictures exist."""
    text = (root / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\|[^|]*\| `([a-z0-9]+)` \|", text, re.MULTILINE))
    assert listed == {algorithm.name() for algorithm in algorithms}
    for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text):
        assert (root / picture).is_file(), picture


def test_every_algorithm_explains_itself(provider):
    """Every algorithm and model has a name, a sentence, a help text, tags, a help link and an icon of its own."""
    for algorithm in provider.algorithms():
        told = [
            algorithm.displayName(),
            algorithm.group(),
            algorithm.shortDescription(),
            algorithm.shortHelpString(),
            algorithm.helpUrl(),
        ]
        assert all(told), f"{algorithm.name()} tells {told}"
        assert algorithm.tags(), algorithm.name()
        assert Path(algorithm.svgIconPath()).is_file(), algorithm.name()
        assert Path(QUrl(algorithm.helpUrl()).toLocalFile()).is_file(), algorithm.name()
        assert not algorithm.icon().isNull(), algorithm.name()


def test_help_pages_are_up_to_date(provider, root):
    """The shipped pages are those that `./dev docs` makes of the code; links between them lead somewhere."""
    sys.path.insert(0, str(root / "tools"))
    import make_help

    made, folder = make_help.pages(provider), root / "resources" / "help"
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} == made, "run ./dev docs"
    for text in made.values():
        assert all((folder / link).is_file() for link in re.findall(r'href="([^"]+)"', text))
    for algorithm in provider.algorithms():
        text = made[f"{algorithm.name()}.html"]
        assert all(f"<code>{definition.name()}</code>" in text for definition in algorithm.parameterDefinitions())


def test_every_parameter_has_help_and_a_plain_key(algorithms):
    """Every parameter has a help text of at least a few words and an upper-case key."""
    for algorithm in algorithms:
        for definition in algorithm.parameterDefinitions():
            where = f"{algorithm.name()} {definition.name()}"
            assert re.fullmatch(r"[A-Z][A-Z0-9_]*", definition.name()), where
            assert len(definition.help().split()) >= 3, where
            assert definition.description(), where


def test_a_forgotten_key_is_noticed():
    """The comparison sees a lost algorithm, parameter, choice and a changed type."""
    before = {"a": {"parameters": {"INPUT": {"type": "raster"}, "MODEL": {"type": "enum", "choices": ["x", "y"]}}}}
    assert lost(before, {}) == [" a is gone"]
    assert lost(
        before, {"a": {"parameters": {"INPUT": {"type": "file"}, "MODEL": {"type": "enum", "choices": ["x"]}}}}
    ) == [" a parameters INPUT type was raster, is file", " a parameters MODEL choices y is gone"]
    assert not lost(before, before)
