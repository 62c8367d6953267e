"""The stages of a command, and how something happens just when one begins."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

EVALUATION_STAGES = ("encode", "join", "aggregate", "report")
"""The stages of ``genprobe evaluate``, in order."""
STAGES = {
    "encode": ("genprobe.runs.encoded_store", "encode"),
    "join": ("genprobe.encoding.encode", "finish_store"),
    "aggregate": ("genprobe.runs.evaluation", "build_report"),
    "report": ("genprobe.runs.evaluation", "finish_run"),
    "show": ("genprobe.analysis.report", "build_report"),
    "compare": ("genprobe.comparing.inputs", "cached_report"),
}
"""The function that a stage is, by its module and name."""


def around_stage(stage: str, do: Callable[[], object]) -> None:
    """Do something when a stage begins and when it ends, in this process from now on."""
    wrap(stage, do, do)


def when_begins(stage: str, do: Callable[[], object]) -> None:
    """Do something when a stage begins, in this process from now on."""
    wrap(stage, do, lambda: None)


def wrap(stage: str, before: Callable[[], object], after: Callable[[], object]) -> None:
    """Put something around the function of a stage."""
    module, name = STAGES[stage]
    function = getattr(import_module(module), name)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        before()
        try:
            return function(*arguments, **options)
        finally:
            after()

    setattr(import_module(module), name, wrapped)
