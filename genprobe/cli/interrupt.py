"""Ctrl-C: a command that keeps what it has done says how to go on."""

import _thread
import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from types import FrameType
from typing import Any

import click

from genprobe.escape import escape

Command = Callable[..., Any]

SOON = 0.01
"""Seconds after which an interrupt that was lost comes again."""
STILL = 0.1
"""Seconds that the main thread stands still in before it is woken once more."""


def interrupt_main() -> None:
    """Interrupt the main thread, also while it waits for another: only a signal wakes it there."""
    if hasattr(signal, "pthread_kill") and (main := threading.main_thread().ident) is not None:
        signal.pthread_kill(main, signal.SIGINT)
    else:
        _thread.interrupt_main()


def frame_of_main() -> FrameType | None:
    """Where the main thread is."""
    return sys._current_frames().get(threading.main_thread().ident or 0)


def main_is_in(function: Callable[..., Any]) -> bool:
    """Whether the main thread is in a call of a function."""
    frame = frame_of_main()
    while frame is not None and frame.f_code is not function.__code__:
        frame = frame.f_back
    return frame is not None


def place_of_main() -> tuple[int, int]:
    """What changes with every step that the main thread takes."""
    frame = frame_of_main()
    return (0, 0) if frame is None else (id(frame), frame.f_lasti)


@contextlib.contextmanager
def lasting_interrupts() -> Iterator[None]:
    """Let an interrupt come again that Python has dropped.

    Where it comes while an object goes, as h5py's do all the time, Python prints a traceback and
    goes on as if nothing had been.
    """
    before = sys.unraisablehook

    def hook(dropped: Any) -> None:
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and issubclass(dropped.exc_type, KeyboardInterrupt):
            heeded = threading.Event()
            handler = signal.getsignal(signal.SIGINT)

            def once(*arguments: Any) -> None:
                heeded.set()
                signal.signal(signal.SIGINT, handler)
                if callable(handler):
                    handler(*arguments)

            signal.signal(signal.SIGINT, once)
            threading.Thread(target=again, args=(heeded,), daemon=True).start()
        else:
            before(dropped)

    def again(heeded: threading.Event) -> None:
        time.sleep(SOON)
        while main_is_in(hook):  # where it would be lost for good
            time.sleep(SOON)
        interrupt_main()
        # One that comes just before the main thread begins to wait does not end the wait. While
        # that has not moved, another is the same interrupt to it.
        place = place_of_main()
        while not heeded.wait(STILL):
            before, place = place, place_of_main()
            if place == before:
                interrupt_main()

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = before


def resumable(describe: Callable[..., str]) -> Callable[[Command], Command]:
    """A command that Ctrl-C ends with a word on what is kept, and the exit status 130.

    Args:
        describe: takes the command's options and says what is, and how to go on from it.

    Returns:
        A decorator of its function, to be applied before click's.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def run(**options: Any) -> Any:
            try:
                return command(**options)
            except KeyboardInterrupt:
                click.echo(escape(f"Stopped. {describe(**options)}"), err=True)
                sys.exit(130)

        return run

    return decorate


def describe_kept_sweep(folder: Path, **_: Any) -> str:
    """What an interrupt left of a sweep."""
    return f"What is finished is kept in {folder}; the same command goes on from there."


def describe_kept_store(store: Path | None, fresh: bool, **_: Any) -> str:
    """What an interrupt left of a store, and how to go on from it."""
    from genprobe.store.run_id import awaits_report, partial_folder, pending_run_id

    if store is None:
        return "Nothing is kept of this model; with --store it would go on where it stopped."
    if store.exists() and (awaits_report(store) or not fresh):
        if any(partial_folder(store).glob("inference-*/*.npz")):
            kept = f"{store} holds every example, and what was annealed is kept beside it"
            return f"{kept}; the same command goes on from there."
        return f"{store} holds every example; the same command encodes nothing anew."
    before = f"{store} is as it was before. " if store.exists() else ""
    if any(partial_folder(store).glob("*.h5")) and (pending_run_id(store) or not fresh):
        encoded = f"What was encoded is kept beside {store}"
        return f"{before}{encoded}; the same command goes on from there."
    return f"{before}Nothing was encoded yet; the same command begins anew."
