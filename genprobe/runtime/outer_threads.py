"""Work shared out to threads, each of which runs torch's operations alone.

torch shares every operation out to its threads, and waits for all of them at its end. Where other
programs use the CPUs too, one of the threads is always late: two were three to seven times slower
than one. A thread with operations of its own waits once, at the end of its work.

What is shared out is cut up by the work alone, so that results do not depend on how many threads
there are.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import TypeVar

import torch

from genprobe.runtime.cpus import available_cpus

Part = TypeVar("Part")
Result = TypeVar("Result")

_workers: ContextVar[int] = ContextVar("workers", default=1)


@contextlib.contextmanager
def outer_threads() -> Iterator[int]:
    """Let ``share_out`` use as many threads as torch would, and torch's operations one each.

    No more than there are CPUs for this process. Within what was shared out already, and inside
    itself, it changes nothing.

    Returns:
        The number of threads.
    """
    before = torch.get_num_threads()  # from here on a number of this thread's own
    if before == 1:
        yield _workers.get()
        return
    mark = _workers.set(min(before, available_cpus()))
    torch.set_num_threads(1)
    try:
        yield _workers.get()
    finally:
        torch.set_num_threads(before)
        _workers.reset(mark)


def share_out(work: Callable[[Part], Result], parts: Iterable[Part]) -> list[Result]:
    """What work makes of each part, in their order.

    Args:
        work: called in several threads at once, inside ``outer_threads``; it must not change what
            another part's call reads. It sees whether gradients are kept as here.
        parts: of the work, many more than there are threads, or as many.

    Raises:
        Exception: the first that work raises, by the order of the parts; what has not begun then
            is left out.

    Example:
        >>> with outer_threads():
        ...     share_out(lambda part: part * 2, range(3))
        [0, 2, 4]
    """
    every = list(parts)
    count = min(_workers.get(), len(every))
    if count <= 1:
        return [work(part) for part in every]
    grad = torch.is_grad_enabled()

    def one(part: Part) -> Result:
        with torch.set_grad_enabled(grad):
            return work(part)

    threads = ThreadPoolExecutor(count, "genprobe", torch.set_num_threads, (1,))
    try:
        return list(threads.map(one, every))
    finally:
        threads.shutdown(cancel_futures=True)
