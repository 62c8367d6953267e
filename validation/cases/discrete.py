"""Codes of bits, of classes and on the sphere."""

from collections.abc import Iterator
from functools import partial

from genprobe.self_check.case import Case
from genprobe.self_check.codes import bit_codes, class_codes, sphere_codes
from genprobe.self_check.quadrature import discrete_truths, sphere_truths
from validation.cases.pairs import pair

BITS = (
    "rate",
    "mutual_information",
    "marginal_kl",
    "marginal_kl_floor",
    "total_correlation",
    "mutual_information_loo",
)
ON_SPHERE = ("rate", "mutual_information", "marginal_kl", "marginal_kl_floor")


def cases() -> Iterator[Case]:
    """Every case of discrete or spherical codes."""
    for name, n, spread in (
        ("bits-collapsed-200", 200, 0.2),
        ("bits-200", 200, 2.0),
        ("bits-sharp-200", 200, 10.0),
        ("bits-20", 20, 2.0),
    ):
        make = partial(bit_codes, n=n, spread=spread)
        fixed = partial(discrete_truths, make)
        yield from pair(name, f"bits, logits ± {spread:g}", n, make, BITS, fixed=fixed)
    for name, n, spread in (("classes-200", 200, 2.0), ("classes-20", 20, 6.0)):
        make = partial(class_codes, n=n, spread=spread)
        fixed = partial(discrete_truths, make)
        yield from pair(name, f"classes, logits ± {spread:g}", n, make, BITS, fixed=fixed)
    for name, n, kappa in (("sphere-20", 20, 1.0), ("sphere-200", 200, 10.0)):
        make = partial(sphere_codes, n=n, concentration=kappa)
        fixed = partial(sphere_truths, make)
        yield from pair(name, f"on the sphere, κ = {kappa:g}", n, make, ON_SPHERE, fixed=fixed)
