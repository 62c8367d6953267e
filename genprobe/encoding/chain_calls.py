"""Walking down a user's chain of latents: the one place where it is called.

A chain is a generator. It yields the posterior and the prior of a level, is sent the draw, and goes
on to the next. Rows of any number are cut into batches, whose generators go level by level in
step: so the draws of a level are made of all rows at once, whatever the batches are.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Size, Tensor

from genprobe.distributions.returned import Understood, understood, with_numbers
from genprobe.encoding.batches import batches
from genprobe.encoding.broadcasting import full_rows, shapes
from genprobe.encoding.calls import Calls
from genprobe.encoding.checks import require_params, require_real, require_shapes
from genprobe.encoding.context import keywords, rows_of
from genprobe.encoding.parts import Chain, packed
from genprobe.errors import ModelError
from genprobe.plugins import plugins
from genprobe.types import Family, Model, Params

NEAR = 1e-4
"""How far the first level's prior may differ from example to example, which is rounding."""
MOST = 4096
"""Levels: a generator of more is taken for one without an end."""
YIELD = "Write a generator: z = yield q, p for each level, the first level first."


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """What a chain yields at one level, of all rows.

    Attributes:
        level: counted from 0.
        family: of both.
        q: parameters of q(z_l|z_<l, x), each (n, ...).
        p: parameters of p(z_l|z_<l), each (n, ...).
        pairs: whether q and p came as pairs without names, which are read as means and
            log-variances.
    """

    level: int
    family: Family
    q: Params
    p: Params
    pairs: tuple[bool, bool] = (False, False)


Choose = Callable[[Step], Tensor]
"""From what a chain yields at a level to the z (n, *latent_l) that it is sent."""


def walk(
    calls: Calls,
    x: Tensor,
    choose: Choose,
    rows: Tensor | None = None,
    *,
    start: int = 0,
    gradients: bool = False,
) -> list[Tensor]:
    """The z of every level, each chosen where the chain is given those before it.

    Args:
        calls: of a model with a chain.
        x: (n, *event).
        choose: see ``Choose``; what it is given and returns lies on the CPU, where all draws are
            made.
        rows: (n,) examples whose context is given; by default row by row.
        start: position of the first in the data set, by which messages name it.
        gradients: whether they flow through the chain.

    Raises:
        ModelError: if the chain fails, has other levels than before, or yields what cannot be
            taken, naming the level and the example.
    """
    given = calls.context if rows is None else rows_of(calls.context, rows)
    cut = batches(len(x), calls.batch_size)
    generators = [begun(calls, x, given, batch) for batch in cut]
    z: list[Tensor] = []
    for level in range(MOST):
        sent = [z[-1][batch] for batch in cut] if z else [None] * len(cut)
        yielded = [
            advanced(calls, generator, draw, len(x[batch]), level, gradients)
            for generator, draw, batch in zip(generators, sent, cut, strict=True)
        ]
        require_level(calls, yielded, cut, level, start)
        steps = [step for step in yielded if step is not None]
        if not steps:
            return z
        whole = replace(steps[0], q=joined([s.q for s in steps]), p=joined([s.p for s in steps]))
        require_step(calls, whole, start)
        z.append(choose(whole))
    raise ModelError(
        f"The chain of {calls.model.name} yields more than {MOST} levels.",
        "Let the generator end after its last level.",
    )


def begun(calls: Calls, x: Tensor, given: Params, batch: slice) -> Generator[Any, Any, Any]:
    """The generator of a batch of examples; nothing of it has run yet."""
    if calls.model.chain is None:
        raise ModelError(f"The model {calls.model.name} has no chain of latents.")
    lent, context = calls._lent(x, given, batch)
    with calls._errors("chain", x[batch]):
        found = calls.model.chain(lent, **keywords(context))
    if not hasattr(found, "send"):
        kind = type(found).__name__
        raise ModelError(
            f"The chain of {calls.model.name} returns a {kind}, which is not a generator.", YIELD
        )
    generator: Generator[Any, Any, Any] = found
    return generator


def advanced(
    calls: Calls,
    generator: Generator[Any, Any, Any],
    draw: Tensor | None,
    count: int,
    level: int,
    gradients: bool,
) -> Step | None:
    """What a chain yields next, for all rows of its batch; None at its end.

    Args:
        calls: of the model.
        generator: of the batch.
        draw: (count, *latent) of the level before; None at the first.
        count: of rows.
        level: that is asked for.
        gradients: whether they flow.
    """
    mode = torch.enable_grad() if gradients else torch.inference_mode()
    sent = None if draw is None else draw.to(calls.device, calls.dtype).clone()
    shape = torch.empty(count, 0) if sent is None else sent
    takes = "Check that it takes the draws in the order of levels."
    with calls._errors("chain", shape, takes), mode:
        try:
            pair = generator.send(sent)
        except StopIteration:
            return None
        source = f"The chain of {calls.model.name}, at level {level + 1},"
        if not (isinstance(pair, tuple | list) and len(pair) == 2):
            raise ModelError(f"{source} yields a {type(pair).__name__}, not a pair.", YIELD)
        family = family_at(calls.model, level)
        q, p = (as_understood(source, part, family) for part in pair)
        full_q = full_rows(source, family, q.params, count)
        require_shapes(source, family, full_q, count)
        full_p = as_wide(source, family, p.params, full_q)
    mine, before = (brought(each, calls.dtype, gradients) for each in (full_q, full_p))
    return Step(level=level, family=family, q=mine, p=before, pairs=(q.pair, p.pair))


def brought(params: Params, dtype: torch.dtype, gradients: bool) -> Params:
    """Parameters on the CPU, with their gradients or as copies without."""
    if gradients:
        return {name: values.to("cpu", dtype) for name, values in params.items()}
    return {name: v.detach().to("cpu", dtype, copy=True) for name, v in params.items()}


def as_understood(source: str, part: Any, family: Family) -> Understood:
    """A posterior or a prior that a chain yields, its tensors by standard names."""
    given = with_numbers(part) if isinstance(part, dict) else part
    found = understood(source, given, family.name, family.constraints)
    require_real(source, found.params)
    return found


def as_wide(source: str, family: Family, p: Params, q: Params) -> Params:
    """A prior's parameters, each of the shape of the posterior's.

    Raises:
        ModelError: if they have other names, or cannot be expanded to it.
    """
    try:
        return {name: p[name].expand(values.shape) for name, values in q.items()}
    except (RuntimeError, KeyError):
        raise ModelError(
            f"{source} yields the prior {shapes(p)} for the posterior {shapes(q)}.",
            f"Both must be of the family {family.name}, and of one shape.",
        ) from None


def family_at(model: Model, level: int) -> Family:
    """The family of the posteriors of a level.

    Args:
        model: with a chain.
        level: counted from 0.

    Raises:
        ModelError: if the model names families for fewer levels.
    """
    named = model.posterior
    if isinstance(named, str | Family):
        each = named
    elif level < len(named):
        each = named[level]
    else:
        raise ModelError(
            f"The chain of {model.name} has a level {level + 1}; families are named for "
            f"{len(named)}.",
            "Name one for each level, or one for all.",
        )
    found: Family = plugins().get("families", each) if isinstance(each, str) else each
    if found.point:
        raise ModelError(f"The chain of {model.name} names points, {found.name}, as posteriors.")
    return found


def joined(pieces: list[Params]) -> Params:
    """Parameters of several batches in one."""
    return {name: torch.cat([piece[name] for piece in pieces]) for name in pieces[0]}


def require_level(
    calls: Calls, yielded: list[Step | None], cut: list[slice], level: int, start: int
) -> None:
    """Check that every batch has a level, or none, and as many as there were.

    Raises:
        ModelError: naming the level, and the first example of a batch that is otherwise.
    """
    known = calls.chain
    wanted = yielded[0] is not None if known is None else level < len(known.shapes)
    for step, batch in zip(yielded, cut, strict=True):
        if (step is not None) != wanted:
            has = "ends before" if step is None else "goes on to"
            raise ModelError(
                f"The chain of {calls.model.name} {has} level {level + 1} at example "
                f"{start + batch.start}, unlike at the example before.",
                "Every example must have the same levels.",
            )
    if known is None and level == 0 and not wanted:
        raise ModelError(f"The chain of {calls.model.name} yields nothing.", YIELD)
    if known is not None and level == 0 and not isinstance(calls.model.posterior, str | Family):
        count = len(calls.model.posterior)
        if count != len(known.shapes):
            raise ModelError(
                f"The chain of {calls.model.name} names families for {count} levels and has "
                f"{len(known.shapes)}.",
                "Name one for each level, or one for all.",
            )


def require_step(calls: Calls, step: Step, start: int) -> None:
    """Check the values and the shape of a level, and that the first has one prior.

    Raises:
        ModelError: naming the level and the first example at fault.
    """
    place, n = (
        f"of {calls.model.name}, at level {step.level + 1},",
        len(next(iter(step.q.values()))),
    )
    require_params(f"The chain {place}", step.family, step.q, n, start)
    require_params(f"The prior {place}", step.family, step.p, n, start)
    if calls.chain is None:
        return
    shape, known = step.family.event_shape(step.q), calls.chain.shapes[step.level]
    if shape != known:
        raise ModelError(
            f"The chain {place} has z of shape {tuple(shape)} at example {start}, and of "
            f"{tuple(known)} at the first.",
            "Every example must have the same levels.",
        )
    if step.level == 0:
        require_one_prior(place, step.p, calls.chain.top, start)


def require_one_prior(place: str, p: Params, top: Params, start: int) -> None:
    """Check that the first level's prior is the same for every example.

    Raises:
        ModelError: naming the parameter, and the first example at which it differs.
    """
    for name, values in p.items():
        there = top[name].to(values)
        apart = ((values.detach() - there).abs() > NEAR * (1 + there.abs())).flatten(1).any(1)
        if apart.any():
            raise ModelError(
                f"The prior {place} depends on the example: its {name} at example "
                f"{start + int(apart.nonzero()[0])} is not that of the first.",
                "Nothing comes before the first level: yield the same p for every x.",
            )


def discovered(calls: Calls, x: Tensor) -> Chain:
    """The levels of a chain, as they are of a few examples; z is drawn by the global generator.

    Args:
        calls: of a model with a chain.
        x: (n, *event), at least one.
    """
    families: list[Family] = []
    found: list[Size] = []
    top: list[Params] = []

    def choose(step: Step) -> Tensor:
        families.append(step.family)
        found.append(step.family.event_shape(step.q))
        top.append({k: v[:1] for k, v in step.p.items()})
        return step.family.sample(step.q, 1)[0]

    walk(calls, x, choose)
    return Chain(families=tuple(families), shapes=tuple(found), top=top[0])


def first_level(calls: Calls, z: Tensor) -> Tensor:
    """The first level's z (..., *latent) of packed draws (..., K); without a chain z itself.

    Args:
        calls: of the model.
        z: as ``Calls.decode`` takes them.
    """
    return z if calls.chain is None else calls.chain.unpack(z)[0]


def continued(
    calls: Calls,
    x: Tensor,
    before: list[Tensor],
    rows: Tensor | None = None,
    *,
    posterior: bool = False,
    start: int = 0,
) -> Tensor:
    """Packed draws (n, K) that begin with given z and go on with draws from the global generator.

    Args:
        calls: of a model with a chain.
        x: (n, *event).
        before: of the first levels, each (n, *latent_l); empty for none.
        rows: as ``walk`` takes them.
        posterior: whether to go on with draws from the posteriors; else from the priors.
        start: as ``walk`` takes it.
    """

    def choose(step: Step) -> Tensor:
        if step.level < len(before):
            return before[step.level]
        return step.family.sample(step.q if posterior else step.p, 1)[0]

    return packed(walk(calls, x, choose, rows, start=start))
