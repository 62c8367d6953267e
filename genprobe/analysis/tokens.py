"""What is said of the codes of a quantiser, from the quantities that estimators use."""

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
from jaxtyping import Int64
from torch import Tensor

from genprobe.aggregate.tokens import Tokens
from genprobe.analysis.pixels import pixels_of
from genprobe.analysis.withheld import stated
from genprobe.datasets.row_hashes import row_hashes
from genprobe.errors import ModelError
from genprobe.estimators.code_entropy import code_entropy
from genprobe.estimators.code_perplexity import code_perplexity
from genprobe.estimators.code_usage import code_usage
from genprobe.estimators.quantities import Quantities
from genprobe.estimators.rate_fitted_prior import with_error_of_fits
from genprobe.estimators.standard_error import data_error
from genprobe.report import Estimate
from genprobe.report.tokens import TokenBound, TokenLevel, TokenReport

LISTED = 1 << 14
"""Unused classes, and positions, that are listed."""
HALVINGS = 8
"""Points of the growth of the usage."""
RANKS = 256
"""Classes of which each rank is told; of more classes about as many ranks are."""


def tokens_report(quantities: Quantities, codebook: Tensor | None = None) -> TokenReport | None:
    """The tokens of a store; None where there are none, or no estimator asked for them.

    Args:
        quantities: of the store.
        codebook: (classes, width) the vectors of the classes, if they are at hand.

    Raises:
        ModelError: if there are not as many vectors as classes.
    """
    if not quantities.has("tokens"):
        return None
    tokens = quantities.tokens
    if codebook is not None and len(codebook) != tokens.classes:
        raise ModelError(
            f"The codebook has {len(codebook)} vectors, and the codes are of {tokens.classes} "
            "classes.",
            "Give the vector of every class.",
        )
    n, places = tokens.index.shape
    positions = range(places) if places <= LISTED else ()
    return TokenReport(
        classes=tokens.classes,
        shape=tokens.shape,
        used=tokens.used,
        unused=tuple((tokens.counts == 0).nonzero()[:LISTED, 0].tolist()),
        unseen=tokens.unseen,
        growth=tuple((m, tokens.used_in(m)) for m in growing(n)),
        ranked=tuple(ranked(tokens)),
        positions=tuple(corrected_entropy(tokens.index[:, place]) for place in positions),
        levels=tuple(levels_of(tokens, quantities)),
        bounds=tuple(bounds_of(tokens, quantities)),
        duplicates=None if codebook is None else equal_rows(codebook),
    )


def growing(n: int) -> list[int]:
    """Numbers of examples at which usage is told, up to twice as many as there are.

    Example:
        >>> growing(100)
        [1, 3, 6, 12, 25, 50, 100, 200]
    """
    return [*sorted({max(1, n >> j) for j in range(HALVINGS)}), 2 * n]


def ranked(tokens: Tokens) -> Iterator[tuple[int, int]]:
    """Ranks of the classes, from the most used on, and how often each is used.

    Example:
        >>> list(ranked(Tokens(torch.tensor([[2, 0], [2, 2]], dtype=torch.int32), 3, (2,))))
        [(1, 3), (2, 1), (3, 0)]
    """
    counts = tokens.counts.sort(descending=True).values
    spaced = torch.logspace(0, math.log10(tokens.classes), RANKS, dtype=torch.float64)
    few = tokens.classes <= RANKS
    for rank in range(1, tokens.classes + 1) if few else spaced.round().long().unique().tolist():  # type: ignore[no-untyped-call]
        yield rank, int(counts[rank - 1])


def corrected_entropy(index: Int64[Tensor, " n"]) -> float:
    """The entropy of some class indices with Miller and Madow's correction, nats."""
    _, counts = index.unique(return_counts=True)  # type: ignore[no-untyped-call]
    share = counts.double() / len(index)
    return float(torch.special.entr(share).sum()) + (len(counts) - 1) / (2 * len(index))


def levels_of(tokens: Tokens, quantities: Quantities) -> Iterator[TokenLevel]:
    """Every level of a residual stack."""
    for number in range(tokens.shape[0]) if tokens.levels else ():
        here = tokens.level(number)
        found = {
            "entropy": code_entropy(here, quantities.which),
            "perplexity": code_perplexity(here, quantities.which),
            "usage": code_usage(here),
        }
        yield TokenLevel(**stated(found, quantities.observations))


def bounds_of(tokens: Tokens, quantities: Quantities) -> Iterator[TokenBound]:
    """What every candidate prior pays, from the one that knows nothing on."""
    n, places = tokens.index.shape
    pixels = pixels_of(quantities.header.event_shape)

    def bound(candidate: str, nats: Estimate) -> TokenBound:
        bits = nats.value / math.log(2)
        return TokenBound(
            candidate=candidate,
            nats=nats,
            bits_per_token=bits / places,
            bits_per_pixel=None if pixels is None else bits / pixels,
        )

    nothing = Estimate(
        name="token_bound",
        value=places * math.log(tokens.classes),
        se=0.0,
        se_data=0.0,
        kind="upper",
        n=n,
    )
    yield bound("uniform", nothing)
    if not quantities.has("fitted"):
        return
    fitted = quantities.fitted
    which = None if quantities.which is None else quantities.which[fitted.chosen]
    for candidate, log_mz in fitted.held_out.items():
        error = data_error(-log_mz[None], which)
        nats = replace(nothing, value=-float(log_mz.mean()), se_data=error, n=len(log_mz))
        nats = with_error_of_fits(nats, quantities.error_of_candidate(candidate))
        yield bound(candidate, stated({"nats": nats}, quantities.observations)["nats"])


def equal_rows(codebook: Tensor) -> tuple[tuple[int, ...], ...]:
    """Classes whose vectors are equal, in groups.

    Example:
        >>> equal_rows(torch.tensor([[1.0], [2.0], [1.0]]))
        ((0, 2),)
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for number, key in enumerate(row_hashes(codebook).tolist()):
        groups.setdefault(tuple(key), []).append(number)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)
