"""Threads that run their operations alone: how much they save, also beside other programs."""

import contextlib
import itertools
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from unittest import mock

import numpy as np
import torch

from benchmarks.kernel import Posteriors, posteriors
from genprobe.aggregate.blocks import in_memory
from genprobe.aggregate.pairs import BOUND
from genprobe.aggregate.plan import plan_tile
from genprobe.aggregate.tiles import log_sums
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.runtime import outer_threads
from genprobe.runtime.cpus import available_cpus

QUERIES = 2048
WORKERS = 1, 2, 4, 8
BUSY = 0, 2, 4
BEGIN, END = "<!-- threads: written by python -m benchmarks -->", "<!-- threads: end -->"


class Timing(NamedTuple):
    """One pass beside other programs.

    workers: threads that each run operations of their own; 0 where torch shares operations out.
    busy: other processes that never rest.
    seconds: the median.
    cpu_seconds: of all threads, the median.
    """

    workers: int
    busy: int
    seconds: float
    cpu_seconds: float


@contextlib.contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that never rest, inside."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def seconds_of_a_pass(case: Posteriors, workers: int) -> tuple[float, float]:
    """Seconds and CPU seconds of one pass by so many workers, however few CPUs there are.

    Of 0 workers torch shares its operations out itself.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(workers or available_cpus())
    outer = outer_threads.outer_threads() if workers else contextlib.nullcontext()
    try:
        with mock.patch.object(outer_threads, "available_cpus", return_value=workers), outer:
            start, used = time.perf_counter(), time.process_time()
            log_sums(
                case.z[:QUERIES],
                diagonal_normal,
                in_memory(case.params),
                case.own[:QUERIES],
                tile=plan_tile(QUERIES, case.z.shape[1]),
                margin=BOUND,
            )
            return time.perf_counter() - start, time.process_time() - used
    finally:
        torch.set_num_threads(before)


def beside_others(n: int = 60_000, k: int = 64, rounds: int = 5) -> list[Timing]:
    """The median of some rounds of each number of workers, in turn, beside busy processes."""
    case, found = posteriors(n, k, 0.4), []
    for others in BUSY:
        took: dict[int, list[tuple[float, float]]] = {workers: [] for workers in (0, *WORKERS)}
        with busy(others):
            for _, (workers, each) in itertools.product(range(rounds), took.items()):
                each.append(seconds_of_a_pass(case, workers))
        for workers, each in took.items():
            seconds, used = (statistics.median(column) for column in zip(*each, strict=True))
            found.append(Timing(workers, others, seconds, used))
    return found


def rows(timings: Sequence[Timing]) -> list[dict[str, object]]:
    """A row for each number of busy processes, with how much faster than one worker each is."""
    found: list[dict[str, object]] = []
    for others, each in itertools.groupby(timings, lambda timing: timing.busy):
        seconds = {timing.workers: timing.seconds for timing in each}
        row: dict[str, object] = {"busy processes": others, "one worker s": seconds[1]}
        row |= {f"{w} workers, times as fast": seconds[1] / seconds[w] for w in WORKERS[1:]}
        found.append(row | {"torch's own threads": seconds[1] / seconds[0]})
    return found


def cpus_for(workers: int, others: int, cpus: int) -> float:
    """CPUs that so many workers get beside others that never rest, if all are served alike."""
    return min(workers, cpus * workers / max(cpus, workers + others))


def slowdown(timings: Sequence[Timing]) -> dict[Timing, float]:
    """CPU seconds of each timing in those of one worker alone: what sharing a machine costs."""
    [alone] = [timing for timing in timings if (timing.workers, timing.busy) == (1, 0)]
    return {timing: timing.cpu_seconds / alone.cpu_seconds for timing in timings}


def fitted(timings: Sequence[Timing], cpus: int) -> tuple[float, float, float]:
    """Seconds that one thread does alone, and that workers share; and the worst relative error.

    T = s (alone / c(1) + shared / c(workers)), where c is of ``cpus_for`` and s the ``slowdown``,
    by least squares of the relative errors.
    """
    own = {timing: s for timing, s in slowdown(timings).items() if timing.workers}
    seconds = np.array([timing.seconds for timing in own])
    terms = np.array(
        [[s / cpus_for(w, t.busy, cpus) for w in (1, t.workers)] for t, s in own.items()]
    )
    found = np.linalg.lstsq(terms / seconds[:, None], np.ones(len(own)), rcond=None)[0]
    if found[0] < 0:  # nothing is done alone
        found = np.array([0.0, 1 / (terms[:, 1] / seconds).mean()])
    worst = np.abs(terms @ found / seconds - 1).max()
    return float(found[0]), float(found[1]), float(worst)


def model(timings: Sequence[Timing], cpus: int) -> str:
    """What was fitted, in words, and what it says of machines with more CPUs."""
    alone, shared, worst = fitted(timings, cpus)
    [slower] = [s for t, s in slowdown(timings).items() if (t.workers, t.busy) == (2, 0)]
    many = [
        f"| {count} | {(alone + shared) / (alone + shared / count):.1f} |"
        for count in (2, 8, 32, 128)
    ]
    return "\n".join(
        [
            f"Fitted to the [benchmarks](benchmarks.md) on {cpus} CPUs: a pass takes "
            f"T = s ({alone:.2f} s / c(1) + {shared:.2f} s / c(w)), off by at most {worst:.0%}, "
            "where w workers beside b busy processes on C CPUs get c(w) = min(w, C w / (w + b)) of "
            "them, and s is by how much more CPU time the same work takes because CPUs share "
            f"memory and clock: {slower:.2f} for two workers on a quiet machine.",
            "With s = 1 that says, at least, because what two CPUs lose in waiting for each other "
            "is taken as work of one thread:",
            "",
            "| CPUs and workers | times as fast as one |",
            "|--:|--:|",
            *many,
        ]
    )


def written_into(page: str, block: str) -> str:
    """A page with what stands between the marks of this file replaced.

    >>> written_into(f"a {BEGIN} old {END} b", "new").split()[-2:]
    ['-->', 'b']
    """
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{block}\n\n{END}{after}"
