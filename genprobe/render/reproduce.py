"""The command, or the Python, that makes a report again, from the report's provenance."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from genprobe.types import Report

OPTIONS = (
    *("data", "split", "binarize", "store", "draws", "tolerance", "max_queries"),
    *("batch_size", "device", "dtype", "seed", "prior", "entropy", "bin_width"),
    *("factory", "family"),
)
"""Options of ``genprobe evaluate`` that change what it does; a factory is named with --model."""
SWITCHES = ("fresh", "trust")


def reproduce(report: Report) -> str | None:
    """What to run to have this report again; None where nothing says.

    Args:
        report: whose provenance says what was asked, or which keeps its store.
    """
    asked = report.provenance.get("asked")
    if isinstance(asked, Mapping):
        return command(asked) if is_text(asked) else call(asked)
    return None if report.store is None else from_store(report)


def is_text(asked: Mapping[str, Any]) -> bool:
    """Whether everything that was asked can be said on the command line."""
    said = all(value is not None for value in asked.values())
    return said and asked.keys() <= {"model", *OPTIONS, *SWITCHES}


def command(asked: Mapping[str, Any]) -> str:
    """``genprobe evaluate MODEL --data D …``, quoted for a POSIX shell."""
    words = ["genprobe", "evaluate", str(asked["model"])]
    for name in OPTIONS:
        if asked.get(name) is not None:
            option = "model" if name == "factory" else name.replace("_", "-")
            words += [f"--{option}", str(asked[name])]
    words += [f"--{name}" for name in SWITCHES if asked.get(name)]
    return shlex.join(words)


def call(asked: Mapping[str, Any]) -> str:
    """The call of ``genprobe.evaluate``; what has no text of its own goes by its parameter."""
    given = {name: name if value is None else repr(value) for name, value in asked.items()}
    words = [v if k in ("model", "data") else f"{k}={v}" for k, v in given.items()]
    return f"genprobe.evaluate({', '.join(words)})"


def from_store(report: Report) -> str | None:
    """``genprobe show STORE …``, for a report made without the model."""
    if report.store is None:
        return None
    facts = report.provenance
    options = {"tolerance": facts.get("tolerance"), "bin-width": facts.get("bin_width")}
    words = ["genprobe", "show", str(report.store.path)]
    for name, value in options.items():
        if value is not None:
            words += [f"--{name}", str(value)]
    return shlex.join(words)


def reproduce_comparison(reports: Sequence[Report]) -> str | None:
    """``genprobe compare STORE…``; None for a single report, or where a store was not kept."""
    stores = [kept_store(report) for report in reports]
    if len(stores) < 2 or None in stores:
        return None
    return shlex.join(["genprobe", "compare", *filter(None, stores)])


def kept_store(report: Report) -> str | None:
    """The path of the store a report was made from, unless it was a temporary one."""
    if "asked" in report.provenance or report.store is None:
        return report.provenance.get("store")
    return str(report.store.path)
