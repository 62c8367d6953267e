"""The renderer that a user names to print a report with."""

from collections.abc import Callable
from inspect import signature
from typing import TYPE_CHECKING

from genprobe.cli import options
from genprobe.errors import UsageError

if TYPE_CHECKING:
    from genprobe.report import Report


def require_renderer(name: str, unit: str) -> None:
    """Check that there is a renderer, in the unit, before hours are spent on what it prints.

    Raises:
        UsageError: if no plugin provides it, or it takes no unit and one was asked for.
    """
    from genprobe.plugins import plugins

    with options.as_usage_error():
        render = plugins().get("renderers", name)
    if unit != "nats" and not takes_unit(render):
        raise UsageError(f"The format {name} has no choice of unit.", f"Leave out --unit {unit}.")


def rendered(report: "Report", name: str, unit: str) -> str:
    """The text of a report by the renderer of that name, in the unit if it takes one."""
    from genprobe.plugins import plugins

    render = plugins().get("renderers", name)
    return str(render(report, unit=unit) if takes_unit(render) else render(report))


def takes_unit(render: Callable[..., str]) -> bool:
    """Whether a renderer has a parameter ``unit``."""
    try:
        return "unit" in signature(render).parameters
    except (TypeError, ValueError):  # what is written in C need not say what it takes
        return False
