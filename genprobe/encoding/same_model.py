"""Whether a model still says of some examples what is stored of them.

Weights are told apart by their hash. What else decides the numbers (an activation, a scale, code,
tensors that no module holds) shows in what encoder, decoder and prior say. They are asked about a
few examples, and compared up to rounding, which differs between machines.
"""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe.encoding.calls import Calls
from genprobe.encoding.chain import PIECE, level_columns, walked
from genprobe.encoding.context import context_of, join_contexts
from genprobe.encoding.denoiser_calls import chain_of
from genprobe.encoding.diffusion import ANSWER, answers
from genprobe.encoding.encode import log_likelihood
from genprobe.encoding.examples import encode_examples, read_examples
from genprobe.encoding.prior_calls import log_prior
from genprobe.runtime.seeds import random_rows
from genprobe.store.format import Header
from genprobe.store.join import axis_of
from genprobe.store.stretches import Stretch
from genprobe.types import Dataset, Prior

EXAMPLES = 16
DISTORTIONS = ("probes/distortion", "probes/unit_distortion")
"""The columns of which one holds −log p(x|z) at the draws of the store."""
SINGLE, DOUBLE, COARSE = 1e-4, 1e-9, 1e-2
"""What rounding may amount to, relative to a value and to the root mean square of its kind: in
float32, in float64, and on a device that may round factors to ten bits."""


def tolerance_of(header: Header, device: torch.device) -> float:
    """What rounding may amount to between the device of a store and another.

    Args:
        header: of the store.
        device: of the model now.

    >>> from types import SimpleNamespace as Facts
    >>> tolerance_of(Facts(device="cpu", dtype="float32"), torch.device("cpu"))
    0.0001
    >>> tolerance_of(Facts(device="cuda", dtype="float32"), torch.device("cpu"))
    0.01
    """
    if header.dtype == "float64":
        return DOUBLE
    return SINGLE if header.device == device.type == "cpu" else COARSE


def what_model_changed(
    calls: Calls, prior: Prior, dataset: Dataset, stretches: Sequence[Stretch], header: Header
) -> str:
    """What the model says otherwise than is stored, in words; empty if nothing.

    Args:
        calls: of the model; its modules are in place.
        prior: p(z).
        dataset: that was encoded.
        stretches: of the store.
        header: of the store.
    """
    there = torch.cat([torch.arange(s.start, s.stop) for s in stretches])
    rows = there[random_rows(len(there), EXAMPLES, header.seed, "model")].tolist()
    z = stored_rows(stretches, rows, "draws/z")
    if z is None:
        return "the store has no draws"
    said = said_of(calls, prior, dataset, rows, z[:1], header.seed)
    what = difference_in(said, stretches, rows, calls, header)
    if calls.chain is None or what:
        return what
    rows, said = walked_again(calls, dataset, stretches[len(stretches) // 2], header)
    return difference_in(said, stretches, rows, calls, header)


def difference_in(
    said: Mapping[str, Tensor],
    stretches: Sequence[Stretch],
    rows: Sequence[int],
    calls: Calls,
    header: Header,
) -> str:
    """What differs from the stored rows, in words; empty if nothing.

    Args:
        said: by column, of these rows.
        stretches: of the store.
        rows: positions in the data set.
        calls: of the model.
        header: of the store.
    """
    for name, values in said.items():
        before = stored_rows(stretches, rows, name)
        if before is None or before[: len(values)].shape != values.shape:
            return f"{WORDS.get(name, name)} has another shape"
        apart = departure(values, before[: len(values)], axis_of(name) or 0)
        if not (apart <= tolerance_of(header, calls.device)).all():
            worst = int(apart.argmax())
            share = f"{float(apart[worst]):.1g} of its size"
            return f"{WORDS.get(name, name)} of example {rows[worst]} is off by {share}"
    return ""


WORDS = {
    "draws/log_pz": "log p(z)",
    ANSWER: "what the network predicts",
    "levels/rate": "the rate of a level",
    **dict.fromkeys(DISTORTIONS, "log p(x|z)"),
}


def walked_again(
    calls: Calls, dataset: Dataset, stretch: Stretch, header: Header
) -> tuple[list[int], dict[str, Tensor]]:
    """The first draw of the first piece of a stretch, walked as it was, by column of the store.

    Args:
        calls: of a model with a chain.
        dataset: that was encoded.
        stretch: a segment.
        header: of the store.
    """
    start, stop = stretch.start, min(stretch.stop, stretch.start + PIECE)
    x = read_examples(dataset, start, stop, calls.dtype)
    here = calls.given(context_of(calls.model, dataset, x, start))
    walks = walked(here, x, start, 1, header.seed)
    found = {k: v for k, v in level_columns(walks).items() if k == "levels/rate"}
    log_px_z = log_likelihood(here, x, walks[0].z[None], start)
    if log_px_z is not None and calls.likelihood is not None:
        found[DISTORTIONS[calls.likelihood.fit_scale is not None]] = -log_px_z
    few = {name: values[:, :EXAMPLES] for name, values in found.items()}
    return list(range(start, stop))[:EXAMPLES], few


def said_of(
    calls: Calls, prior: Prior, dataset: Dataset, rows: Sequence[int], z: Tensor, seed: int
) -> dict[str, Tensor]:
    """What encoder, decoder and prior say of examples, by its column in a store.

    Args:
        calls: of the model.
        prior: p(z).
        dataset: of which they are.
        rows: (batch,) their positions.
        z: (1, batch, *latent) a stored draw of each.
        seed: of the run.
    """
    found: dict[str, Tensor] = {"draws/log_pz": log_prior(prior, z.double(), rows[0])}
    if calls.model.recorded is not None:
        return found
    each = [read_examples(dataset, row, row + 1, calls.dtype) for row in rows]
    contexts = [context_of(calls.model, dataset, x, row) for x, row in zip(each, rows, strict=True)]
    x, here = torch.cat(each), calls.given(join_contexts(contexts))
    if calls.model.diffusion is not None:
        chain = chain_of(calls)
        return {ANSWER: answers(chain, chain.units(x), rows, seed)[None]}
    if calls.model.encodes:  # what is fitted without one is no word of the model's
        found |= {f"params/{k}": v for k, v in encode_examples(here, x, rows[0]).items()}
    if calls.chain is not None:  # whose decoder takes more draws than are stored
        return found
    log_px_z = log_likelihood(here, x, z, rows[0])
    if log_px_z is not None and calls.likelihood is not None:
        found[DISTORTIONS[calls.likelihood.fit_scale is not None]] = -log_px_z
    return found


def stored_rows(stretches: Sequence[Stretch], rows: Sequence[int], name: str) -> Tensor | None:
    """Some rows of a column; None where the store has no such column."""
    found = []
    for row in rows:
        stretch = next(s for s in stretches if s.start <= row < s.stop)
        values = stretch.rows(name, row, row + 1)
        if values is None:
            return None
        found.append(values)
    return torch.cat(found, axis_of(name) or 0)


def departure(values: Tensor, before: Tensor, axis: int) -> Float64[Tensor, " batch"]:
    """How far values are from what they were, of each example the most.

    Args:
        values: with a number of examples along an axis.
        before: of the same shape.
        axis: that counts the examples.

    Returns:
        Relative to the value and to the root mean square of all.
    """
    now, then = values.double(), before.double()
    size = then.abs() + then.square().mean().sqrt()
    apart = torch.where(now == then, 0.0, (now - then).abs() / size)
    return apart.movedim(axis, 0).reshape(apart.shape[axis], -1).amax(1)
