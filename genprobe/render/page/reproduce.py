"""The command, or the Python, that makes a report again, from what the report says of itself."""

import shlex
from collections.abc import Mapping
from typing import Any

from genprobe.analysis.options import Options
from genprobe.report import Report
from genprobe.runtime.relative_path import relative

DEFAULTS = Options()


def reproduce(report: Report) -> str | None:
    """What to run to have this report again; None where nothing says.

    Args:
        report: whose provenance has the command line that was typed, or what was asked of
            ``genprobe.evaluate``; or else which has its store.
    """
    facts = report.provenance
    if facts.get("command"):
        return from_here(str(facts["command"]))
    if isinstance(facts.get("asked"), Mapping):
        return call(facts["asked"])
    return None if report.store is None else show(report)


def from_here(command: str) -> str:
    """A command line with its paths relative to the current folder; as it is if it is none.

    >>> from_here("genprobe show https://example.org"), from_here("genprobe 'show")
    ('genprobe show https://example.org', "genprobe 'show")
    """
    try:
        return shlex.join(map(relative, shlex.split(command)))
    except ValueError:
        return command


def call(asked: Mapping[str, Any]) -> str:
    """The call of ``genprobe.evaluate``; what has no text of its own goes by its parameter.

    Example:
        >>> call({"model": "vae.pt", "data": None, "draws": 4})
        "genprobe.evaluate('vae.pt', data, draws=4)"
    """
    short = {k: relative(v) if isinstance(v, str) else v for k, v in asked.items()}
    given = {name: name if value is None else repr(value) for name, value in short.items()}
    words = [v if k in ("model", "data") else f"{k}={v}" for k, v in given.items()]
    return f"genprobe.evaluate({', '.join(words)})"


def show(report: Report) -> str:
    """``genprobe show STORE …``, for a report made without the model."""
    assert report.store is not None
    facts = report.provenance
    words = ["genprobe", "show", relative(str(report.store.path))]
    for name in ("tolerance", "bin_width"):
        if facts.get(name) not in (None, getattr(DEFAULTS, name)):
            words += [f"--{name.replace('_', '-')}", str(facts[name])]
    return shlex.join(words)
