"""Posteriors in the plane, whose truths are quadratures: from collapsed to saturated."""

import math
from collections.abc import Iterator
from functools import partial

from genprobe.self_check.case import Case, Truths
from genprobe.self_check.codes import plane_codes
from genprobe.self_check.quadrature import plane_truths
from validation.cases.pairs import INDEX, certain, pair
from validation.truths import brute_index

LEAN = tuple(name for name in INDEX if name != "total_correlation")
DRAWN = ("rate", "mutual_information", "marginal_kl", "marginal_kl_floor")
"""What a rate without a closed form enters."""


def normal_rate(gain: float, scale: float, k: int = 2) -> float:
    """The rate over the population of posteriors N(gain x, scale²), x standard normal."""
    return k * ((gain**2 + scale**2 - 1) / 2 - math.log(scale))


def sampled(n: int, gain: float, scale: float, k: int = 2) -> Truths:
    """What is known of the population."""
    rate = normal_rate(gain, scale, k)
    return certain(rate=rate, log_n=math.log(n), active_units=float(k * (gain**2 > 0.01)))


def normal_pair(
    name: str, regime: str, n: int, gain: float, scale: float, names: tuple[str, ...] = INDEX
) -> tuple[Case, Case]:
    """Normal codes of one width around normal means."""
    make = partial(plane_codes, n=n, gain=gain, scale=scale)
    truths = partial(plane_truths, make)
    return pair(
        name,
        regime,
        n,
        make,
        names,
        fixed=truths,
        population=partial(sampled, n, gain, scale),
    )


def shaped(
    name: str, regime: str, n: int, names: tuple[str, ...] = INDEX, draws: int = 1, **shape: object
) -> tuple[Case, Case]:
    """Codes of another shape, family or prior; of the population only the means are known."""
    make = partial(plane_codes, n=n, **shape)
    return pair(name, regime, n, make, names, fixed=partial(plane_truths, make), draws=draws)


def cases() -> Iterator[Case]:
    """Every case of posteriors in the plane, and two in more dimensions."""
    yield from normal_pair("collapsed-20", "all codes nearly alike", 20, 0.06, 1.0)
    yield from normal_pair("collapsed-2000", "all codes nearly alike", 2000, 0.06, 1.0, LEAN)
    yield from normal_pair("middle-20", "codes overlap", 20, 1.0, 0.5)
    yield from normal_pair("middle-200", "codes overlap", 200, 1.0, 0.5)
    yield from normal_pair("middle-2000", "codes overlap", 2000, 1.0, 0.2)
    yield from normal_pair("middle-20000", "codes overlap", 20_000, 1.0, 0.1, LEAN)
    yield from normal_pair("sharp-200", "few codes overlap", 200, 1.0, 0.02)
    yield from normal_pair("saturated-20", "hardly any overlap", 20, 1.0, 0.02, LEAN)
    yield from normal_pair("saturated-2000", "hardly any overlap", 2000, 1.0, 0.002, LEAN)
    yield from shaped("ring-200", "eight places", 200, shape="ring", scale=0.1)
    yield from shaped("heavy-200", "heavy-tailed means", 200, shape="heavy", scale=0.3)
    yield from shaped("heavy-2000", "heavy-tailed means", 2000, LEAN, shape="heavy", scale=0.1)
    yield from shaped("outliers-200", "2 % wide codes", 200, shape="outliers", scale=0.1)
    yield from shaped("outliers-2000", "2 % wide codes", 2000, LEAN, shape="outliers", scale=0.1)
    yield from shaped("copies-800", "each example four times", 800, shape="copies", scale=0.3)
    yield from shaped("laplace-200", "Laplace codes", 200, family="laplace", scale=0.3)
    yield from shaped("unequal-200", "codes of unequal width", 200, unequal=1.0, scale=0.2)
    for draws in (1, 2, 4):
        yield from shaped(
            f"mixture-200-{draws}",
            f"Monte Carlo rate, draws = {draws}",
            200,
            DRAWN,
            draws,
            unequal=0.6,
            mixture=True,
        )
    yield from shaped(
        "mixture-20", "Monte Carlo rate, draws = 2", 20, DRAWN, 2, unequal=0.6, mixture=True
    )
    yield from shaped(
        "mixture-2000", "Monte Carlo rate, draws = 2", 2000, DRAWN, 2, unequal=0.6, mixture=True
    )
    yield from shaped(
        "laplace-mixture-200",
        "Laplace codes, Monte Carlo rate, draws = 4",
        200,
        DRAWN,
        4,
        family="laplace",
        scale=0.3,
        mixture=True,
    )
    for k, scale, n in ((8, 0.4, 200), (16, 0.6, 2000)):
        make = partial(plane_codes, n=n, scale=scale, k=k)
        yield from pair(
            f"deep-{n}",
            f"{k} dimensions",
            n,
            make,
            INDEX if n < 1000 else LEAN,
            fixed=partial(brute_index, make, *((1500, True) if n < 1000 else (300, False))),
            population=partial(sampled, n, 1.0, scale, k),
        )
