"""Streaming the data through the model, once, into the store.

Data go in segments of a fixed length, whatever the batch size, and each segment's draws come from
its own seed: so the numbers depend neither on the batch size nor on where a run was broken off.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.encoding.calls import Calls, bind
from genprobe.encoding.chain import level_columns, level_draws, walked
from genprobe.encoding.chain_calls import first_level
from genprobe.encoding.checks import first_not_finite, impossible_value
from genprobe.encoding.context import context_of, keywords
from genprobe.encoding.diffusion import diffusion_columns
from genprobe.encoding.examples import counted_from, encode_examples, in_dtype
from genprobe.encoding.identity import identity_of, require_steady, require_unchanged, seal
from genprobe.encoding.lending import lent
from genprobe.encoding.parts import Parts
from genprobe.encoding.placement import in_evaluation
from genprobe.encoding.prior_calls import log_prior
from genprobe.encoding.probed import probed_examples, within
from genprobe.encoding.probed_columns import Probe, probed_columns, require_known
from genprobe.errors import (
    ModelError,
    Notice,
)
from genprobe.runtime.ranks import barrier
from genprobe.runtime.seeds import derived_seed, seeded
from genprobe.store.format import Header
from genprobe.store.shards import finish_store
from genprobe.store.write import StoreWriter
from genprobe.types import Dataset, PosteriorBatch, Prior

CACHED_VALUES = 1 << 18
"""Values whose sums are taken at a time, in float64, so that they stay in a cache."""


def encode(
    parts: Parts,
    dataset: Dataset,
    writer: StoreWriter,
    probes: Mapping[str, Probe],
    *,
    batch_size: int,
    device: torch.device,
    advance: Callable[[int], None] = lambda count: None,
) -> None:
    """Write every segment that the store does not have yet, and finish the store.

    Of several ranks, each writes its share of the segments.

    Args:
        parts: the model and its parts.
        dataset: to be encoded.
        writer: of the store.
        probes: by name; what they return is stored as ``probes/NAME``, of some examples as
            ``subset/NAME``.
        batch_size: examples a call of the encoder or decoder.
        device: where the module runs. Draws are made on the CPU, so that they are the same
            everywhere.
        advance: called with the number of examples done.

    Raises:
        GenprobeError: naming the example, if the model gives parameters that are not finite or
            not valid, or the data are outside the likelihood's support; naming a probe that asks
            for what there is not; or if the data changed meanwhile: then nothing is stored.
    """
    header = writer.header
    dtype = getattr(torch, header.dtype)
    calls = bind(parts, device=device, dtype=dtype, batch_size=batch_size)
    probed = probed_examples(header.n, math.prod(header.latent_shape), header.seed)
    require_steady(writer, parts.model, dataset, dtype)
    with (
        barrier(writer.ranks),
        in_evaluation(parts.model, device, dtype, parts.prior),
    ):
        for name, probe in probes.items():
            require_known(name, probe)
        for segment in writer.mine:
            arrays, notices = segment_arrays(calls, parts, dataset, header, segment, probed, probes)
            writer.write(segment, arrays, *notices)
            start, stop = header.span(segment)
            advance(stop - start)
    require_unchanged(writer, parts.model, dataset, dtype)
    seal(writer)
    finish_store(writer, parts.prior.params)


def segment_arrays(
    calls: Calls,
    parts: Parts,
    dataset: Dataset,
    header: Header,
    segment: int,
    probed: Int64[Tensor, " some"],
    probes: Mapping[str, Probe],
) -> tuple[dict[str, Tensor], list[Notice | None]]:
    """What is stored of the examples of a segment, and what is said of them.

    A function of its own, so that nothing of one segment is held while the next is read.

    Args:
        calls: of the model.
        parts: the model and its parts.
        dataset: to be encoded.
        header: of the store.
        segment: its number.
        probed: (some,) the examples that expensive probes are asked about.
        probes: by name.
    """
    start, stop = header.span(segment)
    given = dataset.read(start, stop)
    x = in_dtype(dataset, given, start, calls.dtype)
    with counted_from(start):
        support = parts.likelihood and parts.likelihood.support
        notice = support(lent(x, support)) if support else None
    here = calls.given(context_of(parts.model, dataset, x, start))
    identity = identity_of(given, here.context)
    with seeded(derived_seed(header.seed, "segment", segment)):
        if header.diffusion is not None:
            some = within(probed, start, stop)
            return identity | moments(x) | diffusion_columns(here, x, some, header, start), [notice]
        of_levels: dict[str, Tensor] = {}
        if here.chain is None:
            batch = posterior_batch(here, parts.prior, x, start, header.draws)
        else:
            batch, of_levels = chain_batch(here, parts.prior, x, start, header)
        chosen = within(probed, start, stop)
        inputs = probe_inputs(here, parts.prior, x, batch, chosen, header.n)
        found, said = probed_columns(inputs, probes)
        arrays = identity | columns(inputs, batch) | of_levels | found
    return arrays, [notice, *said]


def posterior_batch(
    calls: Calls, prior: Prior, x: Tensor, start: int, draws: int
) -> PosteriorBatch:
    """What the model says of examples, with draws from the global generator.

    Args:
        calls: of the model, with the context of these examples.
        prior: p(z).
        x: (batch, *event).
        start: position of the first example in the data set.
        draws: an example.
    """
    params = encode_examples(calls, x, start)
    z = calls.posterior.sample(params, draws)
    exact_q = calls.posterior.distribution({k: v.double() for k, v in params.items()})
    return PosteriorBatch(
        index=torch.arange(start, start + len(x)),
        params=params,
        z=z,
        log_qz_x=exact_q.log_prob(z.double()),
        log_pz=log_prior(prior, z.double(), start),
        log_px_z=log_likelihood(calls, x, z, start),
    )


def chain_batch(
    calls: Calls, prior: Prior, x: Tensor, start: int, header: Header
) -> tuple[PosteriorBatch, dict[str, Tensor]]:
    """The same of a chain, and what is stored of its further levels.

    Parameters, log q(z|x) and log p(z) are the first level's; z is all draws of an example, packed.
    """
    walks = walked(calls, x, start, header.draws, header.seed)
    z = torch.stack([walk.z for walk in walks])
    batch = PosteriorBatch(
        index=torch.arange(start, start + len(x)),
        params=walks[0].params,
        z=z,
        log_qz_x=torch.stack([walk.log_q[:, 0] for walk in walks]),
        log_pz=log_prior(prior, first_level(calls, z).double(), start),
        log_px_z=log_likelihood(calls, x, z, start),
    )
    kept = level_draws(calls, z) if header.keep_levels else {}
    return batch, level_columns(walks) | kept


def log_likelihood(
    calls: Calls, x: Tensor, z: Tensor, start: int
) -> Float64[Tensor, "draw batch"] | None:
    """Log p(x|z) of every draw, nats; None without a decoder.

    Args:
        calls: of the model, with the context of these examples.
        x: (batch, *event).
        z: (draw, batch, *latent).
        start: position of the first example in the data set.

    Raises:
        ModelError: if the decoder fails, or naming the first example where it is not finite.
        SupportError: naming the example where the likelihood is not defined.
    """
    if not calls.decodes:
        return None
    with counted_from(start):
        log_px_z = torch.stack([calls.log_px_z(x, draw) for draw in z])
    bad = first_not_finite(log_px_z)
    if bad is not None:
        draw = int((~log_px_z[:, bad].isfinite()).nonzero()[0])
        raise not_finite(calls, x, z[draw], bad, start)
    return log_px_z


def not_finite(calls: Calls, x: Tensor, z: Tensor, bad: int, start: int) -> ModelError:
    """The error of an example without a finite log p(x|z), with the value at fault.

    Args:
        calls: of the model, with the context of these examples.
        x: (batch, *event).
        z: (batch, *latent) the draw at which it is not finite.
        bad: position of the example in the batch.
        start: position of the first example in the data set.
    """
    one = torch.tensor([bad])
    outputs = calls.decoder_outputs(z[one], one)
    value = impossible_value(calls.decode(z[one], one), x[one], outputs)
    remedy = "Look at that example, or at the decoder's output for it."
    if "probs" in outputs:
        remedy = "Return logits instead of probs, which round to 0 and 1 where logits do not."
    return ModelError(
        f"The decoder of {calls.model.name} gives a log p(x|z) that is not finite, at example "
        f"{start + bad}{': ' if value else ''}{value}.",
        remedy,
    )


def probe_inputs(
    calls: Calls,
    prior: Prior,
    x: Tensor,
    batch: PosteriorBatch,
    chosen: Int64[Tensor, " some"],
    n: int,
) -> dict[str, Any]:
    """What a probe may ask for, by the names of ``genprobe.encoding.probe_inputs.PROBE_INPUTS``."""
    return {
        "model": calls.model,
        "posterior": calls.posterior,
        "prior": prior,
        "likelihood": calls.likelihood,
        "x": x,
        "context": keywords(calls.context),
        "params": batch.params,
        "z": batch.z,
        "log_qz_x": batch.log_qz_x,
        "log_pz": batch.log_pz,
        "log_px_z": batch.log_px_z,
        "index": batch.index,
        "chosen": chosen,
        "n": n,
        "device": calls.device,
        "batch_size": calls.batch_size,
        "calls": calls,
    }


def columns(given: Mapping[str, Any], batch: PosteriorBatch) -> dict[str, Tensor]:
    """A segment's arrays by their path in the store, but for those of the probes."""
    x, likelihood, z = given["x"], given["likelihood"], first_level(given["calls"], batch.z)
    arrays = {f"params/{k}": v for k, v in batch.params.items()}
    arrays |= {"draws/z": z, "draws/log_qz_x": batch.log_qz_x, "draws/log_pz": batch.log_pz}
    arrays |= moments(x)
    if likelihood is not None and likelihood.statistics is not None:
        further = likelihood.statistics(lent(x, likelihood.statistics))
        arrays |= {f"moments/{k}": v.double().sum(0) for k, v in further.items()}
    if len(given["chosen"]):
        arrays["subset/index"] = batch.index[given["chosen"]]
    return arrays


def moments(x: Tensor) -> dict[str, Tensor]:
    """Sums over examples (batch, *event) of their values and squares, by path; none of nothing."""
    if not x[0].numel():
        return {}
    whole, squares = torch.zeros(2, *x.shape[1:], dtype=torch.float64)
    for some in torch.split(x, max(1, CACHED_VALUES // x[0].numel())):
        values = some.double()
        whole += values.sum(0)
        squares += values.square().sum(0)
    return {"moments/x": whole, "moments/x_square": squares}
