"""Where a report comes from, as a table of the page: each fact under a name that a reader knows."""

import json
from collections.abc import Mapping
from typing import Any

from genprobe.estimators.catalog import row_of
from genprobe.report import Report, number
from genprobe.runtime.relative_path import relative

ELSEWHERE = {"asked", "command", "at_stake"}
"""Facts that the page has in another place: in its command, and in the sentences of the verdict."""
NAMES = {"absent": "not estimated", "vacuous": "bounds that say nothing"}
"""What facts are called whose key says little."""


def facts_of(report: Report) -> dict[str, str]:
    """The facts of a report by name, as text.

    Args:
        report: of one model.

    Example:
        >>> from types import SimpleNamespace
        >>> given = {"seed": 0, "vacuous": {"rate": -3.25}, "max_error": None, "absent": {}}
        >>> facts_of(SimpleNamespace(provenance=given, estimates={}))
        {'seed': '0', 'bounds that say nothing': 'rate R: −3.250'}
    """
    return {
        NAMES.get(key, key.replace("_", " ")): text_of(key, value, report)
        for key, value in report.provenance.items()
        if key not in ELSEWHERE and value is not None and value != {} and value != []
    }


def text_of(key: str, value: Any, report: Report) -> str:
    """One fact as text; estimates go by what the tables call them."""
    if isinstance(value, str):
        return relative(value)
    if key in NAMES and isinstance(value, Mapping):
        alike: dict[str, list[str]] = {}
        for name, each in value.items():
            alike.setdefault(fact(each), []).append(label_of(name))
        return "; ".join(f"{', '.join(names)}: {said}" for said, names in alike.items())
    return json.dumps(value, ensure_ascii=False)


def label_of(name: str) -> str:
    """What the tables call an estimate."""
    return row_of(name).label.strip()


def fact(value: Any) -> str:
    """A number as the tables write it, or a reason as it is."""
    return number(value) if isinstance(value, int | float) else str(value)
