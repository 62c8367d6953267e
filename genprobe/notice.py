"""A warning, which parts give and reports carry."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A warning in a report: a stable code, one sentence of cause, one of remedy."""

    code: str
    message: str
    remedy: str
