"""How many values each part of a rule for quality layers takes away."""

from __future__ import annotations

import numpy as np

from .. import tiles
from ..timeseries.images import Image


def count(series, resources, events) -> dict:
    """Count over the whole series.

    Returns
    -------
    dict
        ``values`` (all there are), ``taken`` (of these, by the rule), ``parts`` (text of each part of the rule to what it takes
        alone; a value may be counted in several), ``around`` (by the buffer), ``missing`` (without a value in the layer).
    """
    images = [part for group in series.sources for part in group if isinstance(part, Image) and part.quality]
    found = {"values": 0, "taken": 0, "around": 0, "missing": 0, "parts": {}}
    plan = tiles.plan(series.grid, 3 * 8, resources)
    for done, tile in enumerate(plan.tiles, start=1):
        for image in images:
            events.check()
            values = np.isfinite(image.unmasked(tile.window))
            layer = image.quality.layer(tile.window)
            missing, gone = ~np.isfinite(layer), image.quality.unclear(tile.window, series.grid)
            alone = np.zeros(layer.shape, bool)
            for test in image.quality.rule.tests:
                takes = test.takes(layer) & ~missing
                alone |= takes
                found["parts"][test.text] = found["parts"].get(test.text, 0) + int((takes & values).sum())
            found["values"] += int(values.sum())
            found["taken"] += int((gone & values).sum())
            found["missing"] += int((missing & values).sum())
            found["around"] += int((gone & ~alone & ~missing & values).sum())
        events.progress(done / len(plan.tiles))
    return found


def sentence(found: dict) -> str:
    """What was counted, for people."""
    total = max(found["values"], 1)

    def share(number):
        return f"{number:,} ({number / total:.1%})"

    parts = [f"{text}: {share(number)}" for text, number in found["parts"].items()]
    parts += [f"around them: {share(found['around'])}"] * bool(found["around"])
    parts += [f"no value in the layer: {share(found['missing'])}"] * bool(found["missing"])
    return f"The quality layers take {share(found['taken'])} of {found['values']:,} values away ({'; '.join(parts)})."


def tell(found: dict, events) -> None:
    """Say what was counted; where nothing is left, as a warning."""
    if found["values"] and found["taken"] == found["values"]:
        events.warning(sentence(found) + " Nothing is left: check QUALITY_LAYERS and QUALITY_RULE.")
    else:
        events.info(sentence(found))
