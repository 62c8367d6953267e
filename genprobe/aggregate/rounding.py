"""What rounding may do to a sum of products, in whatever order a BLAS adds them up.

Each of k − 1 additions rounds a partial sum, by at most half the precision ε of its size. In any
order a partial sum is at most M: all positive terms together, or all negative ones, whichever are
more. Terms that come from random draws round up or down as good as independently, by errors of
mean 0 and a variance of at most (ε/2)²/3 of what is rounded (Higham & Mary 2019). A term itself is
rounded up to three times, and the squares of all are at most 2 M². So the error has a standard
deviation of at most

    ε/2 · √((k + 5) M² / 3).

A BLAS that keeps many partial sums stays far below. One that adds term after term, as MKL does in
float64 on AMD's processors, comes to about half of it: terms of like sizes let the partial sums
rise to M and fall again evenly, and few are just above a power of 2, where most is rounded.

A sum may be made in b pieces, each of every b-th term, that are added up at the end. Where the
terms are spread evenly, a piece of them adds up to a b-th of M:

    ε/2 · √(((b − 1) M² + (k/b + 5) Σ M_piece²) / 3).

Higham & Mary, A New Approach to Probabilistic Rounding Error Analysis, SIAM J. Sci. Comput. 41(5),
2019.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

DEVIATIONS = 5.0
"""Standard deviations that are allowed for: one pair in two million goes beyond. Where the real
deviation is half of that reckoned with, the mean error is √(2/π)/2 of it, and so less than a tenth
of what is allowed for."""
PIECES = 1, 2, 4, 8
SHORTEST = 32
"""Terms of a piece: a matmul of fewer takes no longer than adding its result to another's."""


def pieces_of(terms: int) -> tuple[int, ...]:
    """In how many pieces a sum of so many terms may be made, the quickest way first."""
    return tuple(pieces for pieces in PIECES if pieces == 1 or terms >= SHORTEST * pieces)


def rounding(
    added: Float[Tensor, "n most"], sizes: Float[Tensor, "n most"], terms: int, pieces: int
) -> Float[Tensor, " n"]:
    """How far rounding may put each of n sums off that come to about 0, in units of the precision.

    What the given terms do not cancel, a constant cancels that the pieces share evenly.

    Args:
        added: the terms, every ``most``-th added up.
        sizes: their sizes, likewise.
        terms: so many a sum, the constant's among them.
        pieces: that are added up at the end; they divide ``most``.
    """
    each, size = (values.view(len(values), -1, pieces).sum(1) for values in (added, sizes))
    constant = -each.sum(1, keepdim=True) / pieces
    # Twice the positive or the negative terms, whichever are more, are all sizes and what is left.
    largest = (size + constant.abs() + (each + constant).abs()) / 2
    whole = (size + constant.abs()).sum(1) / 2
    additions = math.ceil(terms / pieces)
    squares = (pieces - 1) * whole.square() + (additions + 5) * largest.square().sum(1)
    return DEVIATIONS * (squares / 12).sqrt()


def rounding_of_one(terms: int, pieces: int) -> float:
    """The same of terms that cancel, 1 in sum of either sign and spread evenly."""
    return float(
        rounding(torch.zeros(1, pieces), torch.full((1, pieces), 2 / pieces), terms, pieces)
    )
