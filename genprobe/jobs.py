"""The same task for many values, so many at once, each by a process of its own.

The processes are spawned, not forked: torch's threads do not survive a fork. What a task raises is
raised here, and then all others stop at their next step.
"""

import logging
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import Any

from genprobe.errors import GenprobeError
from genprobe.progress import Progress, silent

log = logging.getLogger("genprobe")

Task = Callable[[Any, Progress], Any]

POLL = 0.2
"""Seconds between looks at how far the others are."""


def run(
    task: Task, values: Sequence[Any], *, jobs: int, stage: str, total: int, progress: Progress
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

    Raises:
        GenprobeError: if a process is killed.
    """
    count = counting(progress, stage, total)
    if jobs == 1:
        return [task(value, count) for value in values]
    context = get_context("spawn")
    taken, stop = context.Value("q", 0), context.Event()
    begun = (taken, stop, log.level)
    with ProcessPoolExecutor(min(jobs, len(values)), context, begin, begun) as pool:
        futures = [pool.submit(remote, task, value) for value in values]
        try:
            for steps in watch(futures, taken):
                progress.advance(stage, steps, total)
            return [future.result() for future in futures]
        except BrokenProcessPool as error:
            raise GenprobeError(
                "A process was killed; often memory is short.",
                "Run the same command again, with fewer jobs: what is finished is kept.",
            ) from error
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def counting(progress: Progress, stage: str, total: int | None = None) -> Progress:
    """A display that shows whatever is told it as steps of one stage.

    Args:
        progress: where it is shown.
        stage: under which.
        total: steps in all; by default what the work itself says.
    """

    def advance(_: str, done: int, of: int) -> None:
        progress.advance(stage, done, of if total is None else total)

    return Progress(advance=advance, say=silent.say)


def watch(futures: Sequence["Future[Any]"], taken: Any) -> Iterator[int]:
    """Steps taken since the last look, until all are done; the first failure is raised."""
    seen, waiting = 0, set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=POLL, return_when=FIRST_COMPLETED)
        for future in done:
            future.result()
        now = int(taken.value)
        yield now - seen
        seen = now


SHARED: dict[str, Any] = {}
"""In a process of the pool: the count of steps and the signal to stop that all share."""


def begin(taken: Any, stop: Any, level: int) -> None:
    """Set a process of the pool up; Ctrl-C is for the process that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    log.setLevel(level)
    SHARED.update(taken=taken, stop=stop)


def remote(task: Task, value: Any) -> Any:
    """Run a task in a process of the pool."""
    return task(value, Progress(advance=step, say=silent.say))


def step(stage: str, done: int, total: int) -> None:
    """Count a step, or stop if the others have: at a fault, or when their parent was killed."""
    parent = parent_process()
    if SHARED["stop"].is_set() or (parent is not None and not parent.is_alive()):
        raise GenprobeError("Stopped.")
    with SHARED["taken"].get_lock():
        SHARED["taken"].value += done
