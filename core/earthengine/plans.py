"""All kinds of plans: how one that was written down is read, and which module turns it into expressions."""

from __future__ import annotations

import json

from . import composites, harmonic
from .compositeplan import CompositePlan
from .harmonicplan import HarmonicPlan
from .plan import Plan

KINDS = {kind.METHOD: kind for kind in (CompositePlan, HarmonicPlan)}
EXPRESSIONS = {CompositePlan: composites, HarmonicPlan: harmonic}
LISTS = {"transform", "periods", "indices"}


def read(text: str) -> Plan:
    """The plan that `text` once was written from."""
    content = json.loads(text)
    kind = KINDS[content.pop("method", CompositePlan.METHOD)]
    made = {key: tuple(value) if key in LISTS else value for key, value in content.items()}
    return kind(**{**made, "periods": tuple(map(tuple, made["periods"]))})


def expressions(plan: Plan):
    """The module whose ``image(ee, plan, span)`` and ``scenes(ee, plan, span)`` are for this plan."""
    return EXPRESSIONS[type(plan)]
