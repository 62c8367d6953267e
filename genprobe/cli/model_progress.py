"""The progress of several models: which is in hand, and how long all will yet take."""

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from genprobe.runtime.progress import Progress

BEGAN = "genprobe.began"
"""Under which a command remembers when it began to evaluate."""


@contextlib.contextmanager
def model_progress(models: Sequence[str], position: int, wanted: bool) -> "Iterator[Progress]":
    """The progress display of one model; of several, it also shows how many are done.

    Args:
        models: all that are evaluated, as named.
        position: of the one in hand.
        wanted: whether to show anything.
    """
    from genprobe.runtime.progress import progress_display

    with progress_display(wanted) as progress:
        if len(models) > 1:
            progress.advance("models", position, len(models))
            left = time_left(position, len(models))
            progress.say("models", f"{position + 1} of {len(models)}{left}: {models[position]}")
        yield progress


def time_left(position: int, count: int) -> str:
    """How long all models will yet take, by those that are done; empty before the first is.

    Args:
        position: of the one in hand, counted from the first that this command evaluates.
        count: of all.
    """
    context = click.get_current_context(silent=True)
    if context is None:
        return ""
    began = context.meta.setdefault(BEGAN, time.monotonic())
    if position == 0:
        return ""
    seconds = (time.monotonic() - began) / position * (count - position)
    return f", {in_words(seconds)} left"


def in_words(seconds: float) -> str:
    """A time in few words.

    >>> in_words(8.2), in_words(95), in_words(7100)
    ('9 s', '2 min', '2.0 h')
    """
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    return f"{math.ceil(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
