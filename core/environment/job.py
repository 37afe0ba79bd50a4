"""The job ``checkengine``: all facts, as one JSON text."""
from __future__ import annotations

import json

from . import facts


def run(parameters: dict, resources, events) -> dict:
    """Ask everything and return it as the text FACTS.

    Parameters
    ----------
    parameters : dict
        None are needed.
    resources : Resources
        Told as they are.
    events : Events
        Progress.

    Returns
    -------
    dict
        ``numbers`` with FACTS: a JSON object with the parts of `facts`.
    """
    questions = {"python": facts.python, "machine": facts.machine, "packages": facts.packages, "rasters": facts.rasters,
                 "graphics": facts.graphics, "compiling": facts.compiling, "earth_engine": facts.earth_engine}
    answers = {}
    for number, (name, ask) in enumerate(questions.items()):
        events.progress(number / len(questions))
        answers[name] = ask()
    answers["resources"] = {"memory_mb": resources.memory_mb, "workers": resources.workers, "device": resources.device,
                            "scheduler": resources.scheduler}
    return {"outputs": {}, "numbers": {"FACTS": json.dumps(answers)}}
