"""Makes ``resources/help/*.html``: a page per algorithm and model, from what the code says of itself, and a list of them.

`./dev docs` runs it with QGIS's own Python, where QGIS is the distribution's own; another folder may be given. Pages come
with the plugin, so that the Help button of a dialog opens them without any network.
"""
from __future__ import annotations

import sys
from html import escape
from itertools import groupby
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import qgisplugin

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 52em; margin: 2em auto; padding: 0 1em; color: #1b1f24; }}
table {{ border-collapse: collapse; }}
td, th {{ text-align: left; vertical-align: top; padding: .35em .8em .35em 0; border-bottom: 1px solid #d0d4da; }}
code {{ font-size: 90%; }}
small {{ color: #57606a; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def pages(provider) -> dict[str, str]:
    """All pages by the name of their file."""
    offered = sorted(provider.algorithms(), key=lambda one: (one.group(), one.name()))
    found = {f"{one.name()}.html": page(one) for one in offered}
    listed = ["<h1>Phenofuse</h1>"]
    for group, members in groupby(offered, key=lambda one: one.group()):
        rows = ((f'<a href="{one.name()}.html">{escape(one.displayName())}</a>', escape(one.shortDescription())) for one in members)
        listed += [f"<h2>{escape(group)}</h2>", table((), rows)]
    return {**found, "index.html": PAGE.format(title="Phenofuse", body="\n".join(listed))}


def page(algorithm) -> str:
    """One page: what it does, its parameters, its outputs, and how to call it."""
    name = escape(algorithm.displayName())
    parts = [f'<p><a href="index.html">Phenofuse</a>: {escape(algorithm.group())}</p>', f"<h1>{name}</h1>",
             f"<p><b>{escape(algorithm.shortDescription())}</b></p>"]
    parts += [f"<p>{escape(part)}</p>" for part in getattr(algorithm, "DESCRIPTION", "").split("\n\n") if part]
    parts += ["<h2>Parameters</h2>", table(("Key", "Meaning"), map(_parameter, algorithm.parameterDefinitions()))]
    made = {one.name() for one in algorithm.destinationParameterDefinitions()}
    numbers = [(f"<code>{escape(one.name())}</code>", escape(one.description()))
               for one in algorithm.outputDefinitions() if one.name() not in made]
    if numbers:
        parts += ["<h2>Results besides files</h2>", table(("Key", "Meaning"), numbers)]
    parts += ["<h2>On the command line</h2>", f"<p><code>qgis_process run {algorithm.id()} -- {escape(_call(algorithm))}</code></p>"]
    return PAGE.format(title=name, body="\n".join(parts))


def table(heads: tuple, rows) -> str:
    """A table of cells that are HTML already."""
    head = "<tr>" + "".join(f"<th>{one}</th>" for one in heads) + "</tr>\n" if heads else ""
    return f"<table>\n{head}" + "\n".join("<tr>" + "".join(f"<td>{one}</td>" for one in row) + "</tr>" for row in rows) + "\n</table>"


def _parameter(definition) -> tuple:
    said = [f"<b>{escape(definition.description())}</b>", escape(definition.help()), f"<small>{escape(_kind(definition))}</small>"]
    return f"<code>{escape(definition.name())}</code>", "<br>".join(part for part in said if part)


def _kind(definition) -> str:
    """Its type, choices, default, and whether it may stay empty."""
    told = [definition.type()]
    if definition.type() == "enum":
        told.append(("some of: " if definition.allowMultiple() else "one of: ") + ", ".join(definition.options()))
    default = definition.defaultValue()
    if default not in (None, "", []):
        told.append("default: " + (", ".join(default) if isinstance(default, list) else str(default)))
    if definition.flags() & definition.FlagOptional:
        told.append("optional")
    if definition.flags() & definition.FlagAdvanced:
        told.append("advanced")
    return "; ".join(told)


def _call(algorithm) -> str:
    """What has to be given."""
    return " ".join(f"{one.name()}=..." for one in algorithm.parameterDefinitions()
                    if not one.flags() & one.FlagOptional and (one.isDestination() or one.defaultValue() is None))


def main(provider) -> None:
    """Write every page, and remove those of algorithms that are gone."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else qgisplugin.ROOT / "resources" / "help")
    folder.mkdir(parents=True, exist_ok=True)
    made = pages(provider)
    for file in folder.glob("*.html"):
        if file.name not in made:
            file.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    qgisplugin.run(main)
