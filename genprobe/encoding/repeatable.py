"""Whether a model says the same of an example each time, whatever else is in its batch.

Dropout that was left on, noise, and statistics of the batch at hand make numbers that are of no
model: they depend on chance or on how examples fall into batches. So once a run a few examples are
encoded and decoded twice as one batch and once more in other batches, in reverse order. Each call
has another state of the generators, which are given back as they were; a model that seeds them
itself gives its noise by position, and is caught by the order.
"""

import contextlib
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from genprobe.encoding.calls import Calls
from genprobe.encoding.chain_calls import Step, continued, first_level, walk
from genprobe.encoding.chain_pairs import require_log_variances
from genprobe.encoding.checks import require_params
from genprobe.encoding.context import context_of, join_contexts
from genprobe.encoding.examples import read_examples
from genprobe.errors import GenprobeError, ModelError
from genprobe.runtime.seeds import derived_seed
from genprobe.types import Dataset, Params, Prior

ROWS = 8
OTHERWISE = ((7,), (6, 5), (4, 3, 2, 1, 0))
"""The same rows in other batches: alone, and with others; no length is that of the whole."""
SAME_BATCH = 1e-4
"""Relative difference that one computation may have from itself: sums of a GPU in another order."""
OTHER_BATCH = 1e-3
"""The same in a batch of another length, for which matrix products are cut otherwise: about 1e-6 in
float32 for each layer, and more where layers amplify it."""
LESS_PRECISE = 1e-2
"""The same on an accelerator, which may multiply in TF32, of ten bits."""
COARSE = {torch.bfloat16: 8, torch.float16: 8}
"""How many of its steps a result may be off where the model returns something in half precision."""
FEW = 0.02
"""Share of values that may be off further: the nearest of two codes that are equally near."""

Ask = Callable[[Tensor], Params]
"""From positions among the rows to what is said of them, by name."""


def require_repeatable(calls: Calls, prior: Prior, dataset: Dataset, seed: int) -> dict[str, str]:
    """Check that encoder, decoder and prior depend neither on chance nor on the batch.

    Args:
        calls: of the model, its modules in place, in batches as long as those of the run.
        prior: of the model.
        dataset: that it is evaluated on.
        seed: of the run.

    Returns:
        What was taken for what in what encoder and decoder return; see ``Calls.read_as``.

    Raises:
        ModelError: naming the part, how large the difference is, and what to do.
    """
    if calls.model.recorded is not None:
        return {}
    places, x, context = examples_of(calls, dataset)
    calls, name = calls.given(context), calls.model.name
    with own_generators(seed, "codes", calls.device):
        calls = in_one_batch(calls, x)
        z = codes_of(calls, prior, x)
    parts: dict[str, Ask] = {}
    if calls.chain is not None:
        if z is not None:
            codes = z
            parts[f"The chain of {name}"] = lambda i: said_of_levels(calls, x[i], codes[i], i)
            require_blind_priors(calls, x, codes)
            require_log_variances(calls, x, codes)
    elif calls.model.encodes:
        parts[f"The encoder of {name}"] = lambda i: calls.encode(x[i], i)
    said: dict[str, str] = {}
    if z is not None:
        said = calls.read_as(x, z)
        if calls.decodes:
            parts[f"The decoder of {name}"] = lambda i: decoded(calls, z[i], i)
        first = first_level(calls, z)
        parts[f"The prior {prior.name}"] = lambda i: {"log p(z)": prior.log_prob(first[i].double())}
    for part, ask in parts.items():
        require_same_answers(part, ask, places, seed, calls.device)
    return said


def codes_of(calls: Calls, prior: Prior, x: Tensor) -> Tensor | None:
    """A code of each of some examples (row, *latent), of a model without an encoder of the prior.

    None where the encoder gives none: the run says so of the first example at fault.

    Args:
        calls: of the model.
        prior: of the model.
        x: (row, *event).
    """
    if not calls.model.encodes:
        return prior.sample(len(x)).detach().cpu().to(calls.dtype)
    if calls.chain is not None:
        with contextlib.suppress(ModelError):
            return continued(calls, x, [], posterior=True)
        return None
    params = calls.encode(x)
    return calls.posterior.sample(params, 1)[0] if are_valid(calls, params) else None


def said_of_levels(calls: Calls, x: Tensor, z: Tensor, rows: Tensor) -> Params:
    """What a chain yields at each level if it is sent given draws, by name.

    Args:
        calls: of a model with a chain.
        x: (n, *event).
        z: (n, K) packed draws.
        rows: (n,) of the examples whose context is given.
    """
    assert calls.chain is not None
    draws, said = calls.chain.unpack(z), {}

    def choose(step: Step) -> Tensor:
        for kind, params in (("posterior", step.q), ("prior", step.p)):
            of = f"of the {kind} at level {step.level + 1}"
            said.update({f"{name} {of}": values for name, values in params.items()})
        return draws[step.level]

    walk(calls, x, choose, rows)
    return said


def require_blind_priors(calls: Calls, x: Tensor, z: Tensor) -> None:
    """Check that no prior of a chain answers to x: it may use only the draws before it.

    Raises:
        ModelError: naming the level.
    """
    rows = torch.arange(len(x))
    mine, other = (said_of_levels(calls, y, z, rows) for y in (x, x.roll(1, 0)))
    for name, values in mine.items():
        if "of the prior" in name and difference(values, other[name], OTHER_BATCH).share > 0:
            parameter, level = name.split()[0], name.split()[-1]
            raise ModelError(
                f"The prior of {calls.model.name}, at level {level}, depends on x: its {parameter} "
                "changes with the example although the draws before it do not.",
                "Then nothing could be sampled. Compute p from the draws alone.",
            )


def are_valid(calls: Calls, params: Params) -> bool:
    """Whether codes can be drawn; if not, the run says so of the first example at fault."""
    try:
        require_params("", calls.posterior, params, ROWS, 0)
    except ModelError:
        return False
    return True


def examples_of(calls: Calls, dataset: Dataset) -> tuple[list[int], Tensor, Params]:
    """Positions of ROWS examples over the data, the examples, and their context.

    One that does not read is passed over: the run says so of the first of them.

    Args:
        calls: of the model.
        dataset: whose first example reads.
    """
    spread = torch.linspace(0, dataset.n - 1, ROWS, dtype=torch.float64)
    found = []
    for place in spread.round().long().tolist():
        with contextlib.suppress(GenprobeError):
            x = read_examples(dataset, place, place + 1, calls.dtype)
            found.append((place, x, context_of(calls.model, dataset, x, place)))
    places, rows, contexts = zip(*(found * ROWS)[:ROWS], strict=True)
    return list(places), torch.cat(rows), join_contexts(contexts)


def in_one_batch(given: Calls, x: Tensor) -> Calls:
    """The same calls, in batches of all these rows if the model can take as many.

    Args:
        given: in batches as long as those of the run.
        x: (row, *event).
    """
    calls = replace(given, batch_size=max(given.batch_size, len(x)))
    if not calls.model.encodes:
        return calls
    try:
        calls.encode(x)
    except ModelError:  # a program of one example, or memory: then as the run calls it
        return given
    return calls


def decoded(calls: Calls, z: Tensor, rows: Tensor) -> Params:
    """What the decoder returns, if the likelihood can take it."""
    calls.decode(z, rows)
    return calls.decoder_outputs(z, rows)


def require_same_answers(
    part: str, ask: Ask, places: list[int], seed: int, device: torch.device
) -> None:
    """Check that a part of a model says the same again, and in other batches.

    Args:
        part: as a message begins.
        ask: it.
        places: of the rows in the data set.
        seed: of the run.
        device: whose generator is another each time.

    Raises:
        ModelError: if it does not.
    """
    answers = []
    for turn, batches in enumerate(((range(ROWS),), (range(ROWS),), OTHERWISE)):
        pieces = []
        for batch in batches:
            with own_generators(seed, f"{part} {turn} {batch}", device):
                pieces.append(ask(torch.tensor(batch)))
        answers.append(pieces)
    (first,), (second,), others = answers
    exact = device.type == "cpu"
    again = SAME_BATCH if exact else rounding(first, SAME_BATCH)
    elsewhere = rounding(first, OTHER_BATCH if exact else LESS_PRECISE)
    for name, values in first.items():
        found = difference(values, second[name], again)
        if found.share > 0:
            raise ModelError(
                f"{part} depends on chance: its {name} for the same batch differ by up to "
                f"{found.largest:.2g} from call to call, where they are about {found.size:.2g}.",
                "Turn off dropout, noise, and what it keeps from call to call: give module=, pass "
                "training=self.training to F.dropout, return parameters rather than a draw.",
            )
        found = difference(
            values, in_row_order(values, [piece[name] for piece in others]), elsewhere
        )
        if found.share > FEW:
            raise ModelError(
                f"{part} depends on the batch: its {name} for the same examples differ by up to "
                f"{found.largest:.2g} between batches of {ROWS} and of 1 to 5 (example "
                f"{places[found.row]}), where they are about {found.size:.2g}.",
                "Leave out what mixes the examples of a batch, such as x.mean(0) or a batch norm "
                "in training mode; use the statistics of the training data.",
            )


def rounding(answer: Params, least: float) -> float:
    """The relative difference that means nothing between answers like this one.

    Args:
        answer: in the dtype of the run, into which half precision was cast.
        least: in full precision.
    """
    coarse = [
        steps * torch.finfo(dtype).eps
        for dtype, steps in COARSE.items()
        for values in answer.values()
        if values.flatten().sort().values.diff().count_nonzero() > ROWS  # a constant says nothing
        and torch.equal(values.to(dtype).to(values.dtype), values)
    ]
    return max([least, *coarse])


def in_row_order(whole: Tensor, pieces: list[Tensor]) -> Tensor:
    """What was said in other batches, in the order of the rows; or of all rows, as it was."""
    if all(piece.shape == whole.shape for piece in pieces):
        return pieces[-1]
    return torch.cat(pieces).flip(0)


class Difference(NamedTuple):
    """How far two answers are apart.

    Attributes:
        share: of the values that differ by more than rounding.
        largest: the largest difference.
        size: of the values, the root of their mean square.
        row: where the largest difference is.
    """

    share: float
    largest: float
    size: float
    row: int


def difference(first: Tensor, second: Tensor, tolerance: float) -> Difference:
    """How far two answers are apart; where either is not finite, not at all.

    Args:
        first: (row, ...), or what is of all rows.
        second: the same shape.
        tolerance: relative difference that means nothing.

    Example:
        >>> difference(torch.tensor([1.0, 1.0]), torch.tensor([1.0, 1.5]), 1e-4)
        Difference(share=0.5, largest=0.5, size=1.0, row=1)
    """
    a, b = first.detach().cpu().double(), second.detach().cpu().double()
    apart = (a - b).abs()
    known = apart.isfinite()
    if not known.any():
        return Difference(0.0, 0.0, 0.0, 0)
    size = float(a[known].square().mean().sqrt())
    off = known & (apart > tolerance * size)
    apart = apart.where(known, 0.0)
    row = int(apart.flatten(1).amax(1).argmax()) if apart.dim() > 1 else int(apart.argmax())
    share = float(off.sum()) / int(known.sum())
    return Difference(share, float(apart.max()), size, row if first.dim() else 0)


@contextlib.contextmanager
def own_generators(seed: int, use: str, device: torch.device) -> Iterator[None]:
    """The generators of Python, numpy and torch in a state of their own; afterwards as they were.

    Args:
        seed: of the run.
        use: what they are for.
        device: whose generator is meant besides the CPU's.
    """
    python, array = random.getstate(), np.random.get_state()
    fresh = derived_seed(seed, "repeatable", use)
    kind = "cuda" if device.type == "cpu" else device.type
    try:
        with torch.random.fork_rng([] if device.type == "cpu" else [device], device_type=kind):
            torch.manual_seed(fresh)
            random.seed(fresh)
            np.random.seed(fresh % (1 << 32))
            yield
    finally:
        random.setstate(python)
        np.random.set_state(array)
