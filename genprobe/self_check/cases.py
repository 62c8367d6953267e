"""The dozen cases of ``genprobe validate``: one of every kind of number, in about a minute."""

from collections.abc import Callable
from functools import partial

from genprobe.self_check.case import Case, Subject, Truths
from genprobe.self_check.codes import bit_codes, class_codes, plane_codes, sphere_codes
from genprobe.self_check.exact import bumps_truths, cube_truths, line_truths
from genprobe.self_check.models import bumps, cube, line
from genprobe.self_check.quadrature import discrete_truths, plane_truths, sphere_truths

INDEX = ("rate", "mutual_information", "marginal_kl", "total_correlation")
DECODED = ("rate", "distortion", "elbo", "slope")
CUBE = ("rate", "distortion", "mutual_information", "marginal_kl", "generative_mutual_information")

check = partial(Case, error="se", options={"draws": 4})
"""A case of the same examples for every seed, four draws each."""


def self_checks() -> tuple[Case, ...]:
    """The cases, from collapsed to saturated, of several families, with and without a decoder."""
    return (
        corners("cube-overlapping", "codes that overlap", 0.5, 0.75**0.5),
        corners("cube", "codes that overlap a little", 0.8, 0.6),
        corners("cube-separate", "codes that hardly overlap", 0.95, 0.25),
        codes("plane", "normal codes", plane_truths, plane_codes, scale=0.5),
        codes("collapsed", "all codes alike", plane_truths, plane_codes, gain=0.05, scale=1.0),
        codes("ring", "eight places", plane_truths, plane_codes, shape="ring", scale=0.1),
        codes("outliers", "2 % wide codes", plane_truths, plane_codes, shape="outliers", scale=0.3),
        codes(
            "mixture-prior",
            "Monte Carlo rate",
            plane_truths,
            plane_codes,
            unequal=0.5,
            mixture=True,
        ),
        codes("laplace", "Laplace codes", plane_truths, plane_codes, family="laplace"),
        codes("bits", "codes of bits", discrete_truths, bit_codes, spread=2.0),
        codes("classes", "codes of classes", discrete_truths, class_codes, spread=2.0),
        codes("sphere", "codes on a sphere", sphere_truths, sphere_codes, concentration=10.0),
        decoder("linear", "the optimum at β = 1", 1.0),
        decoder("linear-half", "the optimum at β = ½", 0.5),
        check(
            name="linear-mixture",
            regime="a decoder, Monte Carlo rate",
            n=200,
            make=partial(bumps, n=200),
            truths=partial(bumps_truths, partial(bumps, n=200)),
            estimators=DECODED,
        ),
    )


def corners(name: str, regime: str, a: float, s: float) -> Case:
    """A hypercube of 1024 corners."""
    return check(
        name=name,
        regime=regime,
        n=1024,
        make=partial(cube, d=10, a=a, s=s),
        truths=partial(cube_truths, 10, a, s),
        estimators=CUBE,
    )


def codes(
    name: str,
    regime: str,
    truths: Callable[[Callable[[int], Subject]], Truths],
    maker: Callable[..., Subject],
    **shape: object,
) -> Case:
    """Two hundred posteriors without a decoder.

    Args:
        name: of the case.
        regime: what is special about it.
        truths: of what ``maker`` makes.
        maker: of the posteriors.
        shape: what it is given.
    """
    make = partial(maker, n=200, **shape)
    has_marginals = truths is not sphere_truths
    return check(
        name=name,
        regime=regime,
        n=200,
        make=make,
        truths=partial(truths, make),
        estimators=INDEX if has_marginals else INDEX[:-1],
    )


def decoder(name: str, regime: str, beta: float) -> Case:
    """Two hundred examples of a linear-Gaussian model."""
    make = partial(line, n=200, beta=beta)
    return check(
        name=name,
        regime=regime,
        n=200,
        make=make,
        truths=partial(line_truths, make, beta),
        estimators=DECODED,
    )
