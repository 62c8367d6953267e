r"""Counts of class indices in their contexts, smoothed: what the priors of tokens are made of.

A token z at a place has contexts: its level, its position, the neighbour to the left, that above,
the level before. Of each there is a table of counts, smoothed towards what is known without it,

.. math::

    p(z|c) = \frac{n(c, z) + a\, p_{\text{lower}}(z)}{n(c) + a}

the predictive probability of a Dirichlet prior of concentration a, chosen as the one that predicts
each token best when it is left out of the counts (Ney, Essen & Kneser 1994). Several contexts are
mixed with weights that are chosen likewise; two neighbours at once come last. Every context lies
before its token in raster order, so their product is a probability of the whole grid.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.distributions.latents import flat
from genprobe.errors import ModelError
from genprobe.priors.categorical import class_indices
from genprobe.priors.token_tables import (
    ABOVE,
    AROUND,
    BEFORE,
    LEFT,
    LEVEL,
    POSITION,
    ROOT,
    Layout,
    Table,
    context_of,
)
from genprobe.runtime.memory import own_pages
from genprobe.runtime.seeds import generator
from genprobe.types import Codes, Family, Params, Prior, PriorFactory, any_codes

PARTS = ("keys", "counts", "concentration")
"""The tensors of a table."""
ROUNDING = 1e-6
"""By which the sum of the weights may be off."""
BASES, SINGLES = (ROOT, LEVEL), (POSITION, LEFT, ABOVE, BEFORE)
"""What is known without a neighbour, and the contexts that are mixed."""
MOST_KEYS = 1 << 18
"""Entries of a table; if there are more, the rarest are left out."""
JUDGED = 1 << 17
"""Tokens that concentrations and weights are chosen on."""
CONCENTRATIONS = 2.0 ** torch.arange(-4, 21, dtype=torch.float64)
ROUNDS = 30
"""Steps of expectation and maximisation, to the weights of the contexts."""
TOGETHER = 1 << 14
"""Tokens that are looked up together."""
DENSE = 1 << 22
"""Probabilities of classes that are held together while sampling."""


def fit_tokens(codes: Codes, contexts: Sequence[str], seed: int) -> Params:
    """The tables of some contexts, fitted to the class indices of some examples.

    Args:
        codes: whose means are class indices.
        contexts: of ``SINGLES``, and ``AROUND``; those that the grid does not have are left out.
        seed: of the tokens that concentrations and weights are chosen on.
    """
    shape = codes.event_shape if codes.event_shape is not None else codes.mean.shape[1:]
    layout = Layout(tuple(shape), codes.classes or 1, codes.levels)
    z = codes.mean
    order = torch.randperm(len(z), generator=generator(seed, "tokens"))
    judged = z[order[: max(1, JUDGED // z.shape[1])]].long()
    params = {
        "classes": torch.tensor(layout.classes),
        "shape": torch.tensor(layout.shape, dtype=torch.long),
        "levels": torch.tensor(int(layout.levels)),
    }

    def fitted(name: str, lower: Tensor) -> Tensor:
        tensors, left_out = fit_table(name, z, judged, layout, lower)
        params.update(tensors)
        return left_out

    lower = torch.full((judged.numel(),), 1 / layout.classes, dtype=torch.float64)
    for name in BASES if layout.levels and contexts else BASES[:1]:
        lower = fitted(name, lower)
    there = (POSITION, *layout.neighbours)
    mixed = [fitted(name, lower) for name in contexts if name in there]
    if mixed:
        each = torch.stack(mixed)
        params["weights"] = weights_of(each)
        lower = params["weights"] @ each
    if AROUND in contexts and layout.pairs:
        fitted(AROUND, lower)
    return params


def fit_table(
    name: str,
    z: Float64[Tensor, "n k"],
    judged: Int64[Tensor, "m k"],
    layout: Layout,
    lower: Float64[Tensor, " t"],
) -> tuple[Params, Float64[Tensor, " t"]]:
    """The tensors of one table, and the probability of each token judged when it is left out.

    Args:
        name: of the context.
        z: that is counted.
        judged: some of it.
        layout: of both.
        lower: probability of each token judged without the context, when it is left out.
    """
    keys, counts = counted(name, z, layout)
    least = 1
    while int((counts >= least).sum()) > MOST_KEYS:
        least += 1
    keys, counts = keys[counts >= least], counts[counts >= least]
    table = Table.of(keys, counts, 0.0, layout.classes)
    count, total = table.found(context_of(name, judged, layout).flatten(), judged.flatten())
    # Without the token its entry would be one less, or as rare as those that were left out.
    own = torch.where(count > least, 1.0, count)
    count, total = count - own, total - own
    scores = [float(((count + a * lower) / (total + a)).log().mean()) for a in CONCENTRATIONS]
    best = CONCENTRATIONS[max(range(len(scores)), key=scores.__getitem__)]
    tensors = {
        f"{name}_keys": keys,
        f"{name}_counts": table.counts,
        f"{name}_concentration": best,
    }
    return tensors, (count + best * lower) / (total + best)


def counted(
    name: str, z: Float64[Tensor, "n k"], layout: Layout
) -> tuple[Int64[Tensor, " u"], Int64[Tensor, " u"]]:
    """The keys that there are in some grids, sorted, and how often each is there.

    Args:
        name: of the context.
        z: class indices, flattened.
        layout: of them.
    """
    keys, k = own_pages((z.numel(),), torch.long), z.shape[1]
    for some in stretches(len(z), max(1, TOGETHER // k)):
        rows = z[some].long()
        here = context_of(name, rows, layout) * layout.classes + rows
        keys[some.start * k : some.stop * k] = here.flatten()
    keys.numpy().sort()  # in its place
    return keys.unique_consecutive(return_counts=True)  # type: ignore[no-any-return, no-untyped-call]


def stretches(stop: int, length: int) -> Iterator[slice]:
    """A range in stretches of at most so many."""
    for low in range(0, stop, length):
        yield slice(low, min(stop, low + length))


def weights_of(each: Float64[Tensor, "s t"]) -> Float64[Tensor, " s"]:
    """The weights of several probabilities of the same tokens that make their mixture likeliest.

    Example:
        >>> weights_of(torch.tensor([[0.9, 0.9], [0.1, 0.1]]).double()).argmax().item()
        0
    """
    weights = torch.full((len(each),), 1 / len(each), dtype=torch.float64)
    for _ in range(ROUNDS):
        shares = weights[:, None] * each
        weights = (shares / shares.sum(0)).mean(1)
    return weights


def token_factory(
    name: str,
    fit: Callable[[Codes, int, int], Params],
    suits: Callable[[Family, torch.Size], bool] = any_codes,
) -> PriorFactory:
    """A prior of class indices by tables.

    Args:
        name: registered.
        fit: codes, a size and a seed to the tables, as ``fit_tokens`` gives them.
        suits: as ``PriorFactory`` takes it.
    """
    return PriorFactory(
        name=name,
        build=partial(token_prior, name),
        fit=fit,
        suits=suits,
        discrete=True,
        concurrent=True,
    )


def token_prior(name: str, event_shape: torch.Size, params: Params) -> Prior:
    """The prior of some tables, over z that are class indices in a floating dtype.

    Args:
        name: registered.
        event_shape: of z.
        params: as ``fit_tokens`` gives them.

    Raises:
        ModelError: if they are not of such a z.
    """
    require_tables(name, params)
    shape = tuple(int(length) for length in params["shape"].flatten())
    layout = Layout(shape, int(params["classes"]), bool(params["levels"]))
    if math.prod(shape) != event_shape.numel():
        raise ModelError(
            f"The prior {name} is over z of shape {shape}; the model's z has the shape "
            f"{tuple(event_shape)}.",
            "Fit it to codes of that shape.",
        )
    tables = tables_of(params, layout.classes)

    def log_prob(z: Tensor) -> Tensor:
        batch = z.shape[: z.dim() - len(event_shape)]
        rows = flat(z.reshape(-1, *event_shape), 1)
        found = rows.new_empty(len(rows), dtype=torch.float64)
        for some in stretches(len(rows), max(1, TOGETHER // rows.shape[1])):
            index = class_indices(name, rows[some], layout.classes)
            found[some] = log_tokens(index, tables, params, layout)
        return found.view(batch)

    def sample(n: int) -> Tensor:
        step = max(1, DENSE // layout.classes)
        parts = [drawn(min(step, n - i), tables, params, layout) for i in range(0, n, step)]
        return torch.cat(parts).double().view(n, *event_shape)

    def no_kl(family: Family, params: Params) -> Tensor | None:
        return None

    return Prior(name=name, log_prob=log_prob, sample=sample, kl=no_kl, params=params)


def require_tables(name: str, params: Params) -> None:
    """Check that tensors are those of tables: all there, and counts that make probabilities.

    Raises:
        ModelError: naming what is missing, or is not so.
    """
    there = [c for c in (*BASES, *SINGLES, AROUND) if any(f"{c}_{p}" in params for p in PARTS)]
    wanted = ["classes", "shape", "levels", *(f"{c}_{p}" for c in [ROOT, *there] for p in PARTS)]
    mixed = [context for context in there if context in SINGLES]
    missing = [key for key in [*wanted, *["weights"] * bool(mixed)] if key not in params]
    if missing:
        raise ModelError(
            f"The prior {name} needs the tensor {missing[0]}.",
            "Fit one: genprobe evaluate MODEL --write-prior F.npz, then --prior F.npz.",
        )
    weights = params["weights"].double() if mixed else torch.ones(1).double()
    right = {
        "classes": bool((params["classes"] >= 1).all()),
        "shape": bool((params["shape"] >= 1).all()),
        "weights": len(weights) == max(1, len(mixed))
        and bool((weights >= 0).all())
        and abs(float(weights.sum()) - 1) < ROUNDING,
    }
    for context in there:
        keys, counts, concentration = (params[f"{context}_{part}"] for part in PARTS)
        right[f"{context}_keys"] = bool((keys.diff() > 0).all() and (keys >= 0).all())
        right[f"{context}_counts"] = keys.shape == counts.shape and bool((counts >= 0).all())
        right[f"{context}_concentration"] = 0 < float(concentration) < math.inf
    wrong = [key for key, fine in right.items() if not fine]
    if wrong:
        raise ModelError(
            f"The prior {name} has a {wrong[0]} that no counts have.",
            "Take the tensors as --write-prior wrote them.",
        )


def tables_of(params: Params, classes: int) -> dict[str, Table]:
    """The tables that there are, by context, in the order in which they are looked at."""
    return {
        name: Table.of(
            params[f"{name}_keys"],
            params[f"{name}_counts"],
            float(params[f"{name}_concentration"]),
            classes,
        )
        for name in (*BASES, *SINGLES, AROUND)
        if f"{name}_keys" in params
    }


def chained(
    tables: Mapping[str, Table],
    params: Params,
    lower: Tensor,
    smoothed: Callable[[Table, str, Tensor], Tensor],
) -> Tensor:
    """What the tables say one after another: the bases, the mixture, both neighbours at once.

    Args:
        tables: by context.
        params: with the weights of the mixture.
        lower: probabilities that all classes are alike.
        smoothed: a table, its context and the probability without it to that with it.
    """
    for name in BASES:
        if name in tables:
            lower = smoothed(tables[name], name, lower)
    mixed = [smoothed(tables[name], name, lower) for name in SINGLES if name in tables]
    if mixed:
        lower = sum(
            (w * each for w, each in zip(params["weights"].double(), mixed, strict=True)),
            torch.zeros_like(lower),
        )
    return smoothed(tables[AROUND], AROUND, lower) if AROUND in tables else lower


def log_tokens(
    z: Int64[Tensor, "n k"], tables: Mapping[str, Table], params: Params, layout: Layout
) -> Float64[Tensor, " n"]:
    """Log probability of grids, nats."""
    alike = torch.full((z.numel(),), 1 / layout.classes, dtype=torch.float64)

    def smoothed(table: Table, name: str, lower: Tensor) -> Tensor:
        return table.smoothed(context_of(name, z, layout).flatten(), z.flatten(), lower)

    return chained(tables, params, alike, smoothed).log().view(z.shape).sum(1)


def drawn(
    n: int, tables: Mapping[str, Table], params: Params, layout: Layout
) -> Int64[Tensor, "n k"]:
    """Grids drawn token by token, from the global generator."""
    z = torch.zeros(n, math.prod(layout.shape), dtype=torch.long)
    alike = torch.full((n, layout.classes), 1 / layout.classes, dtype=torch.float64)
    for t in range(z.shape[1]):

        def smoothed(table: Table, name: str, lower: Tensor, t: int = t) -> Tensor:
            counts = table.rows(context_of(name, z, layout)[:, t])
            total = counts.sum(1, keepdim=True) + table.concentration
            return (counts + table.concentration * lower) / total

        z[:, t] = torch.multinomial(chained(tables, params, alike, smoothed), 1).squeeze(1)
    return z
