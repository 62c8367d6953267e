"""The warnings of several models: each once, with the names of the models it is of."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genprobe.comparing.comparison import Comparison
from genprobe.errors import Notice
from genprobe.render.text.comparison_rows import some_names
from genprobe.report import Report

SHOWN = 3
"""Kinds of warnings that are worded below a table; the others are named."""
FEW = 8
"""Up to so many models kinds of warnings are worded at all."""
NAMED = 4
"""Models that a warning names; more are counted."""


@dataclass(frozen=True, kw_only=True)
class Shared:
    """One warning with the models it is of.

    Attributes:
        code: of the warning.
        remedy: what to do.
        messages: what it says of each model, by its position.
    """

    code: str
    remedy: str
    messages: Mapping[int, str]

    @property
    def message(self) -> str:
        """What it says of all its models alike; empty where it says something else of each."""
        said = set(self.messages.values())
        return said.pop() if len(said) == 1 else ""


def gathered(reports: Sequence[Report]) -> list[Shared]:
    """Every warning that a model has, in the order in which models have them.

    Args:
        reports: of the models.
    """
    found: dict[tuple[str, str], dict[int, str]] = {}
    for i, report in enumerate(reports):
        for notice in report.warnings:
            said = found.setdefault((notice.code, notice.remedy), {})
            said[i] = f"{said[i]} {notice.message}" if i in said else notice.message
    return [
        Shared(code=code, remedy=remedy, messages=messages)
        for (code, remedy), messages in found.items()
    ]


def shared_warnings(comparison: Comparison) -> list[Notice]:
    """The warnings of a comparison with their models in words, and without numbers that differ.

    Args:
        comparison: of the models.
    """
    return [worded(comparison, shared) for shared in gathered(comparison.reports)]


def short_warnings(comparison: Comparison) -> list[Notice]:
    """The warnings of most models, each with the first sentence of its remedy, and what is left.

    Of many models every kind is named in one.

    Args:
        comparison: of the models.
    """
    every = gathered(comparison.reports)
    if len(comparison.reports) > FEW and every:
        return [counted(comparison, every)]
    first = sorted(every, key=lambda shared: -len(shared.messages))[:SHOWN]
    found = [
        Notice(
            code=shared.code, message=f"{whose(comparison, shared)}.", remedy=start(shared.remedy)
        )
        for shared in first
    ]
    rest = list(dict.fromkeys(shared.code for shared in every if shared not in first))
    if rest:
        found.append(Notice(code="also", message=f"{', '.join(rest)}.", remedy=""))
    return found


def counted(comparison: Comparison, every: Sequence[Shared]) -> Notice:
    """Every kind of warning with how many models have it, those of most models first."""
    models: dict[str, set[int]] = {}
    for shared in every:
        models.setdefault(shared.code, set()).update(shared.messages)
    ranked = sorted(models, key=lambda code: -len(models[code]))
    kinds = ", ".join(f"{code} of {len(models[code])}" for code in ranked)
    return Notice(
        code="warnings",
        message=f"{kinds} of {len(comparison.reports)} models.",
        remedy="With --details each says what to do.",
    )


def start(remedy: str) -> str:
    """The first sentence of a remedy."""
    return re.split(r"(?<=[.;])\s", remedy, maxsplit=1)[0].rstrip(";.") + "." if remedy else ""


def whose(comparison: Comparison, shared: Shared) -> str:
    """The models of a warning, or of many how many they are."""
    count = len(shared.messages)
    if count == len(comparison.reports) > 1:
        return "all models"
    return some_names(comparison, list(shared.messages)) if count <= NAMED else f"{count} models"


def worded(comparison: Comparison, shared: Shared) -> Notice:
    """One warning of one model or several, whose own numbers are left to their tables."""
    every = len(shared.messages) == len(comparison.reports) > 1
    who = "all models" if every else some_names(comparison, list(shared.messages))
    said = f" {shared.message}" if shared.message else ""
    return Notice(code=shared.code, message=f"{who}.{said}", remedy=shared.remedy)
