"""Ctrl-C: a command that keeps a store says how to go on."""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click


def resumable(command: Callable[..., None]) -> Callable[..., None]:
    """A command with --store and --fresh that Ctrl-C ends with a word on what is kept.

    Args:
        command: its function, before click's decorators. The exit status is 130, an interrupt's.
    """

    @wraps(command)
    def run(**options: Any) -> None:
        try:
            command(**options)
        except KeyboardInterrupt:
            click.echo(f"Stopped. {kept(options['store'], options['fresh'])}", err=True)
            sys.exit(130)

    return run


def kept(store: Path | None, fresh: bool) -> str:
    """What an interrupt left of a store, and how to go on from it."""
    if store is None:
        return "Nothing is kept of this model; with --store it would go on where it stopped."
    again = "the same command without --fresh" if fresh else "the same command"
    if not store.with_name(store.name + ".partial").exists():
        if store.exists():
            return f"{store} holds every example; {again} encodes nothing anew."
        return f"Nothing was encoded yet; {again} begins anew."
    if store.exists():
        return f"{store} is as it was before."
    return f"What was encoded is kept beside {store}; {again} goes on from there."
