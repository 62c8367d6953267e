"""Ctrl-C: a command that keeps a store says how to go on."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import click


@contextlib.contextmanager
def resumable(store: Path | None, fresh: bool = False) -> Iterator[None]:
    """Work that Ctrl-C ends with a word on what is kept, and the exit status of an interrupt.

    Args:
        store: where the work keeps what it encodes; None if nowhere.
        fresh: whether the command encodes again what the store has.
    """
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"Stopped. {kept(store, fresh)}", err=True)
        sys.exit(130)


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
