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

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from genprobe.errors import GenprobeError
from genprobe.runtime.progress import Progress, silent

Task = Callable[[Any, Progress], Any]

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
