"""Models with decoders: the hypercube, linear-Gaussian models, and small trained networks."""

import math
from collections.abc import Iterator
from functools import cache, partial
from importlib.resources import as_file, files

import torch
from torch import Tensor

from genprobe.loaders.bundle import load_bundle
from genprobe.loaders.open import open_dataset
from genprobe.runtime.seeds import generator
from genprobe.self_check.case import Case, Subject
from genprobe.self_check.exact import bumps_truths, cube_truths, line_population, line_truths
from genprobe.self_check.models import bumps, cube, line
from genprobe.types import Model
from validation.cases.pairs import DECODED, pair
from validation.truths import cube_iwae, digit_truths, line_iwae, merged

IWAE = (*DECODED, "iwae_bound")
CORNERS = ("rate", "distortion", "elbo", "generative_mutual_information", "blind_distortion")
INFORMED = ("mutual_information", "marginal_kl", "total_correlation", "active_units")
DRAWN = ("rate", "distortion", "elbo", "slope")


@cache
def digit_rows() -> Tensor:
    """The embedded digits as the networks were trained on them (1797, 1, 8, 8)."""
    dataset = open_dataset("digits", binarize="threshold")
    return dataset.read(0, dataset.n)


@cache
def bundle(name: str) -> Model:
    """One of the four networks that ship with genprobe."""
    with as_file(files("genprobe.demo") / f"{name}.pt") as path:
        return load_bundle(path, trust=False)


def digits(seed: int, *, name: str, n: int | None = None) -> Subject:
    """A small trained network and the digits.

    Args:
        seed: of the examples.
        name: of the bundle.
        n: so many digits at random, with replacement; all of them once by default.
    """
    rows = digit_rows()
    if n is not None:
        chosen = torch.randint(len(rows), (n,), generator=generator(seed, "validation", "digits"))
        rows = rows[chosen]
    return Subject(model=bundle(name), data=rows)


def cases() -> Iterator[Case]:
    """Every case with a decoder."""
    yield from hypercubes()
    yield from lines()
    for name, n, draws in (("bumps-20", 20, 2), ("bumps-200", 200, 4), ("bumps-2000", 2000, 4)):
        make = partial(bumps, n=n)
        yield from pair(
            name,
            f"a decoder, Monte Carlo rate, draws = {draws}",
            n,
            make,
            DRAWN,
            fixed=partial(bumps_truths, make),
            population=partial(bumps_truths, make, None),
            draws=draws,
        )
    yield from networks()


def hypercubes() -> Iterator[Case]:
    """Hypercubes: all corners for the one error, a sample of them for the other."""
    for name, a, s, draws in (
        ("cube-overlap", 0.5, math.sqrt(0.75), 1),
        ("cube-middle", 0.8, 0.6, 4),
        ("cube-separate", 0.95, 0.25, 2),
    ):
        whole = partial(cube_truths, 10, a, s)
        some = partial(cube_truths, 10, a, s, 200)
        names: tuple[str, ...] = CORNERS
        if draws > 1:
            names = (*names, "iwae_bound")
            bound = partial(cube_iwae, 10, a, s, draws, 1_000_000)
            whole, some = partial(merged, whole, bound), partial(merged, some, bound)
        regime = f"hypercube ({a:g}, {s:.2f}), draws = {draws}"
        first, _ = pair(
            name,
            regime,
            1024,
            partial(cube, d=10, a=a, s=s),
            names + INFORMED,
            fixed=whole,
            draws=draws,
        )
        _, second = pair(
            name,
            regime,
            200,
            partial(cube, d=10, a=a, s=s, n=200),
            names,
            population=some,
            draws=draws,
        )
        yield from (first, second)


def lines() -> Iterator[Case]:
    """Linear-Gaussian models at several β, and with data of other tails."""
    for name, n, beta, draws, tails in (
        ("line-quarter-200", 200, 0.25, 1, "normal"),
        ("line-20", 20, 1.0, 4, "normal"),
        ("line-2000", 2000, 0.5, 2, "normal"),
        ("line-four-200", 200, 4.0, 2, "normal"),
        ("line-4000", 4000, 2.0, 1, "normal"),
        ("line-heavy-200", 200, 0.5, 4, "heavy"),
        ("line-outliers-200", 200, 0.5, 4, "outliers"),
        ("line-outliers-2000", 2000, 0.5, 4, "outliers"),
    ):
        make = partial(line, n=n, beta=beta, tails=tails)
        fixed, population = partial(line_truths, make, beta), partial(line_population, beta)
        if draws > 1:
            repeats = max(1000, 400_000 // n)
            bounds = [
                partial(line_iwae, make, beta, draws, repeats, fresh) for fresh in (False, True)
            ]
            fixed = partial(merged, fixed, bounds[0])
            population = partial(merged, population, bounds[1])
        yield from pair(
            name,
            f"linear Gaussian, β = {beta:g}, {tails} data, draws = {draws}",
            n,
            make,
            DECODED if draws == 1 else IWAE,
            fixed=fixed,
            population=population,
            draws=draws,
        )


def networks() -> Iterator[Case]:
    """Trained networks: all digits for the one error, samples of them for the other."""
    for name, label in (("beta-0.05", "1-20"), ("beta-0.9", "9-10"), ("beta-3.3", "33-10")):
        whole = partial(digits, name=name)
        truths = partial(digit_truths, whole, 4, 100)
        regime = f"a trained network, {name}, draws = 4"
        first, _ = pair(f"digits-{label}", regime, 1797, whole, IWAE, fixed=truths, draws=4)
        _, second = pair(
            f"digits-{label}",
            regime,
            200,
            partial(digits, name=name, n=200),
            IWAE,
            population=truths,
            draws=4,
        )
        yield from (first, second)
