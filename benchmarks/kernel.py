"""One pass over all components: time a pair, against every other way and the machine's floor."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.clock import best, in_turn
from benchmarks.methods import Method, methods
from genprobe.aggregate import log_aggregate
from genprobe.aggregate.blocks import in_memory
from genprobe.aggregate.density import negligible
from genprobe.aggregate.exact import exact_log_sums
from genprobe.aggregate.pairs import BOUND
from genprobe.aggregate.plan import plan_tile
from genprobe.aggregate.sums import LogSums
from genprobe.aggregate.tiles import log_sums
from genprobe.families.diagonal_normal import diagonal_normal

SECONDS = 2.0
MOST_QUERIES = 32_768
MOST_VALUES = 300_000_000
"""Of means as of scales, that there is room for."""


class Posteriors(NamedTuple):
    """Posteriors (n, k), and draws z (m, k) of those in own (m,)."""

    loc: Tensor
    scale: Tensor
    z: Tensor
    own: Tensor

    @property
    def params(self) -> dict[str, Tensor]:
        """As the family names them."""
        return {"loc": self.loc, "scale": self.scale}


def posteriors(
    n: int, k: int, width: float, offset: float = 0.0, decades: float = 0.0
) -> Posteriors:
    """Normal means around an offset, and scales of about a width that vary by some decades."""
    generator = torch.Generator().manual_seed(0)
    loc = offset + torch.randn(n, k, generator=generator)
    vary = torch.exp(0.2 * torch.randn(n, k, generator=generator))
    vary *= 10 ** (decades * (torch.rand(n, 1, generator=generator) - 0.5))
    own = torch.randint(n, (MOST_QUERIES,), generator=generator)
    noise = torch.randn(MOST_QUERIES, k, generator=generator)
    return Posteriors(loc, width * vary, loc[own] + width * vary[own] * noise, own)


def floor(k: int) -> float:
    """Nanoseconds of a matmul at its best and one exp2 a pair."""
    rows = 1024
    left, right = torch.randn(rows, 2 * k), torch.randn(rows, 2 * k)
    out, scratch = torch.empty(2, rows, rows)
    again = max(5, 2000 // k)

    def matmul() -> None:
        for _ in range(again):
            torch.mm(left, right.T, out=out)

    def exponential() -> None:
        for _ in range(again):
            torch.exp2(out, out=scratch)

    matmul()
    multiplied = best(matmul, 9)
    out.uniform_(-100, 0)
    return (multiplied + best(exponential, 9)) / again / rows**2 * 1e9


def queries_for(method: Method, case: Posteriors) -> int:
    """So many queries that the method takes about ``SECONDS``, what it prepares not counted."""
    few, more = 32, 160
    method(case.z[:few], case.loc, case.scale)
    seconds = [
        best(partial(method, case.z[:count], case.loc, case.scale), 1) for count in (few, more)
    ]
    each = max(seconds[1] - seconds[0], 1e-9) / (more - few)
    return max(few, min(MOST_QUERIES, int(SECONDS / each)))


def nanoseconds(case: Posteriors, names: Sequence[str] | None = None) -> dict[str, float]:
    """Time a pair of each method, measured in turn."""
    chosen = {n: f for n, f in methods().items() if names is None or n in names}
    counts = {name: queries_for(f, case) for name, f in chosen.items()}
    works = {
        name: lambda f=f, m=counts[name]: f(case.z[:m], case.loc, case.scale)
        for name, f in chosen.items()
    }
    seconds = in_turn(works)
    return {name: seconds[name] / counts[name] / len(case.loc) * 1e9 for name in works}


def by_dimension(dimensions: Sequence[int], n: int) -> Iterator[dict[str, object]]:
    """Every method at each number of dimensions, σ about 0.4."""
    for k in dimensions:
        yield {"D": k, "N": n, "floor": floor(k), **nanoseconds(posteriors(n, k, 0.4))}


def wide(k: int, n: int, queries: Sequence[int]) -> Iterator[dict[str, object]]:
    """The engine in many dimensions, where what is prepared once is large, by queries."""
    case = posteriors(n, k, 0.4)
    for m in queries:
        chosen = {name: methods()[name] for name in ("matmul + logsumexp", "engine")}
        seconds = in_turn(
            {name: partial(f, case.z[:m], case.loc, case.scale) for name, f in chosen.items()}, 2
        )
        each = {name: value / m / n * 1e9 for name, value in seconds.items()}
        least = floor(k)
        yield {"D": k, "N": n, "M": m, "floor": least, **each} | {
            "engine / floor": each["engine"] / least
        }


def by_size(dimensions: Sequence[int], sizes: Sequence[int], m: int) -> Iterator[dict[str, object]]:
    """The engine with m queries, all that it prepares counted, at each size that has room."""
    for k in dimensions:
        for n in sizes:
            if n * k > MOST_VALUES:
                continue
            case = posteriors(n, k, 0.4)
            works = {
                name: partial(methods()[name], case.z[:m], case.loc, case.scale)
                for name in ("engine", "engine, compiled")
            }
            seconds = in_turn(works, 2)
            each = {name: value / m / n * 1e9 for name, value in seconds.items()}
            yield {"D": k, "N": n, "floor": floor(k), **each}


def by_width(widths: Sequence[float], n: int, k: int, m: int) -> Iterator[dict[str, object]]:
    """`log_aggregate` with everything it does on its own, at each σ: checks, redoing, pruning."""
    least = floor(k)
    for width in widths:
        case = posteriors(n, k, width)
        found = log_aggregate(case.z[:m], diagonal_normal, case.params, own=case.own[:m])
        seconds = best(
            partial(
                log_aggregate, case.z[:m], diagonal_normal, case.params, own=case.own[:m], skip=1e-6
            ),
            2,
        )
        each = seconds / m / n * 1e9
        yield {
            "σ": width,
            "D": k,
            "N": n,
            "floor": least,
            "log_aggregate": each,
            "in floors": each / least,
            "max_error": found.max_error,
        }


def as_called(n: int = 60_000, k: int = 64, m: int = 2048) -> dict[str, object]:
    """`log_aggregate` with everything counted, against the floor and torch's own mixture."""
    case = posteriors(n, k, 0.4)
    z, mixture = case.z[:m], methods()["MixtureSameFamily"]
    few = queries_for(mixture, case)
    works = {
        "own known": partial(log_aggregate, z, diagonal_normal, case.params, own=case.own[:m]),
        "own unknown": partial(log_aggregate, z, diagonal_normal, case.params),
        "MixtureSameFamily": partial(mixture, case.z[:few], case.loc, case.scale),
    }
    seconds = in_turn(works)
    counts = {name: few if name == "MixtureSameFamily" else m for name in works}
    each = {name: value / counts[name] / n * 1e9 for name, value in seconds.items()}
    least = floor(k)
    return {"D": k, "N": n, "M": m, "floor": least, **each} | {
        "own known / floor": each["own known"] / least,
        "own unknown / floor": each["own unknown"] / least,
        "MixtureSameFamily / own known": each["MixtureSameFamily"] / each["own known"],
    }


def precision(n: int = 4000, m: int = 512) -> Iterator[dict[str, object]]:
    """Time and error against the float64 difference form, σ and offset and D varied."""
    cases = [(64, s, 0.0, 0.0) for s in (1e-4, 1e-3, 1e-2, 0.1, 0.4, 1.0)]
    cases += [(64, 0.1, 3.0, 0.0), (64, 0.1, 30.0, 0.0), (64, 0.1, 0.0, 6.0)]
    cases += [
        (2, 0.01, 0.0, 0.0),
        (10, 0.01, 0.0, 0.0),
        (256, 0.4, 0.0, 0.0),
        (1024, 0.4, 0.0, 0.0),
    ]
    for k, width, offset, decades in cases:
        case = posteriors(n, k, width, offset, decades)
        z, own = case.z[:m], case.own[:m]
        exact = exact_log_sums(z, diagonal_normal, in_memory(case.params), own)
        truth = torch.logaddexp(exact.others, exact.own) - math.log(n)
        errors = {}
        for name, given in (("own known", own), ("own unknown", None)):
            found = log_aggregate(z, diagonal_normal, case.params, own=given)
            errors[name] = (found.log_qz - truth).abs()
        worst = torch.cat(list(errors.values()))
        yield {
            "D": k,
            "σ": width,
            "means about": offset,
            "decades": decades,
            "largest error": float(worst.max()),
            "mean error": float(worst.mean()),
        }


def pruning(n: int, m: int, k: int = 16) -> Iterator[dict[str, object]]:
    """Separated posteriors with and without the index; overlapping ones, where it cannot pay.

    What a pass costs once and what it costs a query are told apart by doing it for a quarter of the
    queries too.
    """
    for width in (1e-3, 1.0):
        case = posteriors(n, k, width)
        q = diagonal_normal.distribution({p: v[case.own].double() for p, v in case.params.items()})
        least = negligible(q.log_prob(case.z.double()), n, 1e-6)

        def run(
            count: int, pruned: bool, case: Posteriors = case, least: Tensor = least
        ) -> LogSums:
            return log_sums(
                case.z[:count],
                diagonal_normal,
                in_memory(case.params),
                case.own[:count],
                tile=plan_tile(count, k),
                margin=BOUND,
                least=least[:count] if pruned else None,
            )

        works = {
            (count, pruned): partial(run, count, pruned)
            for count in (m // 4, m)
            for pruned in (False, True)
        }
        sums = [works[m // 4, pruned]() for pruned in (False, True)]
        seconds = in_turn(works, 2)
        each = {p: (seconds[m, p] - seconds[m // 4, p]) / (m - m // 4) for p in (False, True)}
        dense, pruned = (torch.logaddexp(s.others, s.own) for s in sums)
        yield {
            "D": k,
            "N": n,
            "σ": width,
            "dense ms a query": each[False] * 1e3,
            "pruned ms a query": each[True] * 1e3,
            "ratio": each[False] / each[True],
            "built once s": seconds[m, True] - m * each[True],
            "2000 queries dense s": 2000 * each[False],
            f"whole, M = {m}": seconds[m, True] / seconds[m, False],
            "pairs skipped": sums[1].skipped,
            "largest difference": float((dense - pruned).abs().max()),
        }
