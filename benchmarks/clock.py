"""Timing that a busy machine disturbs little: rounds in turn, and the best of each."""

import gc
import time
from collections.abc import Callable, Mapping
from typing import Any


def best(work: Callable[[], Any], rounds: int = 3) -> float:
    """Seconds of the quickest of some rounds."""
    return in_turn({"it": work}, rounds)["it"]


def in_turn(works: Mapping[str, Callable[[], Any]], rounds: int = 3) -> dict[str, float]:
    """Seconds of the quickest round of each, all of them done once a round."""
    found = dict.fromkeys(works, float("inf"))
    for _ in range(rounds):
        for name, work in works.items():
            gc.collect()
            start = time.perf_counter()
            work()
            found[name] = min(found[name], time.perf_counter() - start)
    return found
