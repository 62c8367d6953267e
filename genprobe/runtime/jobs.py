"""The same task for many values, so many at once, each by a process of its own.

The processes are spawned, not forked: torch's threads do not survive a fork. What a task raises is
raised here, and then all others end, wherever they are; so they do at Ctrl-C, and when this process
is killed. Each has a thread that waits for the end of a pipe, whose other end this process holds:
the system closes it however this process goes. What a task writes must be written aside and
renamed, as stores and bundles are, for it may end at any instant.

No ready-made pool does all that, so this is the standard library's and the rest is added here. With
tasks that never return, the processes of concurrent.futures, loky, joblib and Pebble were all still
there 25 seconds after the process that had started them was killed. torch.multiprocessing.spawn
ends its processes then, on Linux alone, but starts all at once and gives nothing back.
"""

import ast
import contextlib
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import current_process, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from genprobe.errors import GenprobeError
from genprobe.runtime.progress import Progress, silent

Task = Callable[[Any, Progress], Any]

TRIAL = "genprobe-trial"
"""Name of a process that only tries to import the script."""
NO_GUARD = 78
"""Its exit code if the script begins its work again."""
POLL = 0.2
"""Seconds between looks at how far the others are."""


def run_jobs(
    task: Task,
    values: Sequence[Any],
    *,
    jobs: int,
    stage: str,
    total: int,
    progress: Progress,
    on_done: Callable[[Any], None] = lambda result: None,
) -> list[Any]:
    """What a task makes of each value, in their order.

    Args:
        task: takes a value and a progress display. For several jobs it, the values and what it
            returns must be plain enough to reach another process.
        values: one a call.
        jobs: processes; with 1 it is this one.
        stage: of the progress.
        total: steps that all calls will report.
        progress: display.
        on_done: called with the result of each call as soon as it is there. Other processes log
            only their warnings: lines of several at once would run into the display.

    Raises:
        GenprobeError: if a process is killed, or cannot start.
    """
    count = stage_progress(progress, stage, total)
    if jobs == 1:
        results = []
        for value in values:
            results.append(task(value, count))
            on_done(results[-1])
        return results
    context = get_context("spawn")
    taken, (line, held) = context.Value("q", 0), context.Pipe(duplex=False)
    workers = min(jobs, len(values))
    with line, held, ProcessPoolExecutor(workers, context, init_worker, (taken, line)) as pool:
        try:
            with shield_workers_from_interrupt():
                futures = [pool.submit(run_in_worker, task, value) for value in values]
            for steps in poll_steps(futures, taken, on_done):
                progress.advance(stage, steps, total)
            return [future.result() for future in futures]
        except BrokenProcessPool as error:
            raise GenprobeError(
                "A process was killed, often because memory is short, or could not start.",
                "Run the same again with fewer jobs: what is finished is kept. A script must do it "
                'under `if __name__ == "__main__":`, because each process imports the script.',
            ) from error
        except BaseException:
            held.close()
            pool.shutdown(cancel_futures=True)
            raise


def require_importable_script() -> None:
    """Check that other processes can import the running script without beginning its work again.

    A spawned process imports the script that started it. Where the source leaves a doubt, one is
    spawned here that does nothing else: if it comes back to this function, the work would have
    begun again in every process. Then it ends at once, and tells by its exit code.

    Raises:
        GenprobeError: if the script has no main guard.

    Example:
        >>> require_importable_script()
    """
    if current_process().name == TRIAL:
        os._exit(NO_GUARD)
    if lacks_guard() or try_import() == NO_GUARD:
        raise GenprobeError(
            "Several jobs cannot start from a script that is not guarded: each process imports the "
            "script, and would begin the same work again.",
            'Put the call, and what the script does besides, under `if __name__ == "__main__":`.',
        )


def lacks_guard() -> bool:
    """Whether the running script's source shows that what it does now is done when it is imported.

    It does not mention ``__name__``, and the statement that runs is under no condition.
    """
    script = sys.modules["__main__"]
    spec, path = getattr(script, "__spec__", None), getattr(script, "__file__", None)
    if path is None or (spec is not None and spec.name.split(".")[-1] == "__main__"):
        return False  # not imported by other processes
    try:
        tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return False
    at = [
        line
        for frame, line in traceback.walk_stack(None)
        if frame.f_globals is vars(script) and frame.f_code.co_name == "<module>"
    ]
    running = [
        statement
        for statement in tree.body
        if any(statement.lineno <= line <= (statement.end_lineno or 0) for line in at)
    ]
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    conditional = any(isinstance(statement, ast.If) for statement in running)
    return bool(running) and not conditional and "__name__" not in names


def try_import() -> int | None:
    """The exit code of a process that only imports the script."""
    trial = get_context("spawn").Process(target=do_nothing, name=TRIAL, daemon=True)
    with shield_workers_from_interrupt():
        trial.start()
    trial.join()
    return trial.exitcode


def do_nothing() -> None:
    """All that a trial process does once it has imported the script."""


@contextlib.contextmanager
def shield_workers_from_interrupt() -> Iterator[None]:
    """Start processes that ignore Ctrl-C, which is for this one.

    Meanwhile it waits: a process inherits what is blocked, where it could not know in time what to
    ignore.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def stage_progress(progress: Progress, stage: str, total: int | None = None) -> Progress:
    """A display that shows all steps as those of one stage.

    Args:
        progress: where it is shown.
        stage: under which.
        total: steps in all; by default what the work itself says.
    """

    def advance(_: str, done: int, of: int) -> None:
        progress.advance(stage, done, of if total is None else total)

    return Progress(advance=advance, say=silent.say)


def poll_steps(
    futures: Sequence["Future[Any]"], taken: Any, on_done: Callable[[Any], None]
) -> Iterator[int]:
    """Steps taken since the last look, until all are done; the first failure is raised."""
    seen, waiting = 0, set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=POLL, return_when=FIRST_COMPLETED)
        for future in done:
            on_done(future.result())
        now = int(taken.get_obj().value)  # without its lock, which a killed process would keep
        yield now - seen
        seen = now


SHARED: dict[str, Any] = {}
"""In a process of the pool: the count of steps that all share."""


def init_worker(taken: Any, line: "Connection[Any, Any]") -> None:
    """Set a process of the pool up.

    Args:
        taken: the count of steps.
        line: nothing ever comes of it but its end.
    """
    threading.Thread(target=exit_when_closed, args=(line,), daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where nothing is blocked
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    SHARED.update(taken=taken)


def exit_when_closed(line: "Connection[Any, Any]") -> None:
    """End this process, whatever it is at, once nobody holds the other end of a line."""
    with contextlib.suppress(EOFError, OSError):
        line.recv_bytes()
    os._exit(1)


def run_in_worker(task: Task, value: Any) -> Any:
    """Run a task in a process of the pool."""
    return task(value, Progress(advance=count_step, say=silent.say))


def count_step(stage: str, done: int, total: int) -> None:
    """Count a step."""
    with SHARED["taken"].get_lock():
        SHARED["taken"].value += done
