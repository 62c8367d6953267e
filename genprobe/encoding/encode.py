"""Streaming the data through the model, once, into the store.

Data go in segments of a fixed length, whatever the batch size, and each segment's draws come from
its own seed: so the numbers depend neither on the batch size nor on where a run was broken off.
"""

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float64
from torch import Tensor

from genprobe.encoding.context import context_of, rows_of
from genprobe.encoding.probe_inputs import PROBE_INPUTS
from genprobe.errors import (
    DataError,
    GenprobeError,
    ModelError,
    PluginError,
    SupportError,
    reason_of,
)
from genprobe.runtime.memory import out_of_memory
from genprobe.runtime.ranks import together
from genprobe.runtime.seeds import derived_seed
from genprobe.store.shards import finish
from genprobe.store.write import StoreWriter
from genprobe.types import Dataset, Family, Likelihood, Model, Params, PosteriorBatch, Prior

Probe = Callable[..., Tensor | None]
"""See genprobe.probes for the names its parameters may have."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """A model whose posterior, prior and likelihood are at hand rather than named."""

    model: Model
    posterior: Family
    prior: Prior
    likelihood: Likelihood | None


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
        probes: by name; what they return is stored as ``probes/NAME``.
        batch_size: examples a call of the encoder or decoder.
        device: where the module runs. Draws are made on the CPU, so that they are the same
            everywhere.
        advance: called with the number of examples done.

    Raises:
        GenprobeError: naming the example, if the model gives parameters that are not finite or
            not valid, or the data are outside the likelihood's support; or naming a probe that asks
            for what there is not.
    """
    header = writer.header
    dtype = getattr(torch, header.dtype)
    with (
        together(writer.ranks),
        placed(parts.model.module, device, dtype),
        placed(parts.prior.module, device, dtype),
    ):
        for name, probe in probes.items():
            require_known(name, probe)
        for segment in writer.mine:
            start, stop = header.span(segment)
            x = read_examples(dataset, start, stop, dtype)
            with counted_from(start):
                notice = None if parts.likelihood is None else parts.likelihood.support(x)
            context = context_of(parts.model, dataset, x, start)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(derived_seed(header.seed, "segment", segment))
                batch = posterior_batch(parts, x, context, start, header.draws, batch_size, device)
                given = inputs(parts, x, context, batch, header.n, batch_size, device)
                arrays = columns(given, batch, probes)
            writer.write(segment, arrays, notice)
            advance(stop - start)
    finish(writer, parts.prior.params)


def require_known(name: str, probe: Probe) -> None:
    """Check that a probe asks only for what is at hand while encoding.

    Raises:
        PluginError: naming what is not, and listing what is.
    """
    unknown = inspect.signature(probe).parameters.keys() - PROBE_INPUTS.keys()
    if unknown:
        raise PluginError(
            f"The probe {name} asks for {', '.join(sorted(unknown))}, which is not at hand.",
            f"A probe can have {', '.join(PROBE_INPUTS)}.",
        )


def read_examples(dataset: Dataset, start: int, stop: int, dtype: torch.dtype) -> Tensor:
    """Examples (stop − start, *event) of a data set.

    Raises:
        DataError: naming the first example that is not finite.
    """
    x = dataset.read(start, stop).to(dtype)
    if x.sum().isfinite():  # one pass, where looking at each value takes ten
        return x
    bad = ~x.isfinite().reshape(len(x), -1).all(1)
    if bad.any():
        raise DataError(
            f"Example {start + int(bad.nonzero()[0])} of {dataset.name} has a value that is not "
            "finite.",
            "Remove or repair it.",
        )
    return x


def posterior_batch(
    parts: Parts,
    x: Tensor,
    context: Params,
    start: int,
    draws: int,
    batch_size: int,
    device: torch.device,
) -> PosteriorBatch:
    """What the model says of examples x (batch, *event), with draws from the global generator."""
    params = encode_examples(parts.model, parts.posterior, x, context, start, batch_size, device)
    z = parts.posterior.sample(params, draws)
    exact_q = parts.posterior.distribution({k: v.double() for k, v in params.items()})
    return PosteriorBatch(
        index=torch.arange(start, start + len(x)),
        params=params,
        z=z,
        log_qz_x=exact_q.log_prob(z.double()),
        log_pz=log_prior(parts.prior, z.double(), start),
        log_px_z=decode_draws(parts, x, context, z, start, batch_size, device),
    )


def log_prior(prior: Prior, z: Tensor, start: int) -> Float64[Tensor, "draw batch"]:
    """Log p(z) of every draw z (draw, batch, *latent), nats; start is the first example's index.

    Raises:
        ModelError: if the prior fails, gives another shape, or is not finite at some draw.
    """
    try:
        log_pz = prior.log_prob(z).detach().cpu().double()
    except (GenprobeError, torch.AcceleratorError):
        raise
    except Exception as error:
        raise ModelError(
            f"The prior {prior.name} fails on z of shape {tuple(z.shape[2:])}: {reason_of(error)}.",
            "Check that it is a density over one z of the model.",
        ) from error
    if log_pz.shape != z.shape[:2]:
        raise ModelError(
            f"The prior {prior.name} gives log p(z) of shape {tuple(log_pz.shape)} for draws of "
            f"shape {tuple(z.shape)}; it must be {tuple(z.shape[:2])}.",
            "A prior over single values must be made one over the whole z: see Independent.",
        )
    bad = ~log_pz.isfinite().all(0)
    if bad.any():
        raise ModelError(
            f"The prior {prior.name} gives a log p(z) that is not finite, at a draw for example "
            f"{start + int(bad.nonzero()[0])}.",
            "The rate is infinite unless the posteriors lie within the prior's support.",
        )
    return log_pz


def encode_examples(
    model: Model,
    posterior: Family,
    x: Tensor,
    context: Params,
    start: int,
    batch_size: int,
    device: torch.device,
) -> Params:
    """Checked posterior parameters of x (batch, *event), on the CPU; start is x's first index."""
    if model.recorded is not None:
        found = model.recorded.params(start, start + len(x))
        params = {k: v.to(x.dtype) for k, v in found.items()}
        check_params(model.name, posterior, params, len(x), start)
        return params
    pieces = []
    for low in range(0, len(x), batch_size):
        rows = slice(low, low + batch_size)
        with calling(model, "encode", x[rows]):
            piece = model.encode(x[rows].to(device), **rows_of(context, rows, device))
        require_tensors(
            f"The encoder of {model.name}",
            piece,
            f"Return a dict of tensors: {', '.join(posterior.constraints)}.",
        )
        pieces.append(piece)
    params = {k: torch.cat([p[k].detach().cpu() for p in pieces]) for k in pieces[0]}
    check_params(f"The encoder of {model.name}", posterior, params, len(x), start)
    return params


def require_tensors(who: str, returned: object, remedy: str) -> None:
    """Check that an encoder or a decoder returned tensors by name.

    Args:
        who: returned it.
        returned: by it.
        remedy: what to return instead.

    Raises:
        ModelError: if it returned anything else.
    """
    if isinstance(returned, Mapping) and all(isinstance(v, Tensor) for v in returned.values()):
        return
    kind = type(returned).__name__
    raise ModelError(f"{who} returns a {kind} that is not tensors by name.", remedy)


def check_params(source: str, posterior: Family, params: Params, count: int, start: int) -> None:
    """Check names, lengths, finiteness and constraints of posterior parameters.

    Args:
        source: what they come from, as a message begins.
        posterior: their family.
        params: each (count, ...).
        count: number of examples.
        start: position of the first in the data set.

    Raises:
        ModelError: naming the parameter and, where one is at fault, the first such example.
    """
    constraints = posterior.constraints
    if params.keys() != constraints.keys():
        raise ModelError(
            f"{source} returns {', '.join(params) or 'nothing'}; the family "
            f"{posterior.name} needs {', '.join(constraints)}."
        )
    for key, values in params.items():
        if len(values) != count:
            raise ModelError(
                f"{source} returns {key} of shape {tuple(values.shape)} for {count} "
                "examples; its first axis must count them."
            )
        for fault, fine in (
            ("is not finite", values.isfinite()),
            (f"must be {describe(constraints[key])} and is not", constraints[key].check(values)),  # type: ignore[no-untyped-call]
        ):
            bad = ~fine.flatten(1).all(1) if fine.dim() > 1 else ~fine
            if bad.any():
                i = int(bad.nonzero()[0])
                raise ModelError(
                    f"{source} gives a {key} that {fault}, at example {start + i}: "
                    f"{worst(values[i], fine[i])}.",
                    "Look at that example, or at the layer that makes this parameter.",
                )


def describe(constraint: torch.distributions.constraints.Constraint) -> str:
    """``GreaterThan(lower_bound=0.0)`` as ``> 0``, other constraints as torch names them."""
    lower = getattr(constraint, "lower_bound", None)
    return f"> {lower:g}" if lower is not None else str(constraint)


def worst(values: Tensor, fine: Tensor) -> str:
    """Where in one example's parameter the first fault is."""
    flat, ok = values.flatten(), fine.expand_as(values).flatten()
    position = int((~ok).nonzero()[0])
    return f"value {flat[position].item():g} in dimension {position}"


def decode_draws(
    parts: Parts,
    x: Tensor,
    context: Params,
    z: Tensor,
    start: int,
    batch_size: int,
    device: torch.device,
) -> Float64[Tensor, "draw batch"] | None:
    """Log p(x|z) of every draw z (draw, batch, *latent), nats; None without a decoder."""
    decode, likelihood = parts.model.decode, parts.likelihood
    if decode is None or likelihood is None:
        return None
    log_px_z = torch.empty(z.shape[:2], dtype=torch.float64)
    for draw, row in [(d, r) for d in range(len(z)) for r in range(0, len(x), batch_size)]:
        rows = slice(row, row + batch_size)
        target, latent = x[rows], z[draw, rows]
        with calling(parts.model, "decode", latent):
            outputs = decode(latent.to(device), **rows_of(context, rows, device))
            require_tensors(
                f"The decoder of {parts.model.name}",
                outputs,
                f"Return a dict of the tensors that the likelihood {likelihood.name} takes, named "
                'as in torch.distributions: {"logits": …}, or {"loc": …, "scale": …}.',
            )
            p = likelihood.distribution(outputs)
        if p.event_shape != target.shape[1:]:
            raise ModelError(
                f"The decoder of {parts.model.name} returns examples of shape "
                f"{tuple(p.event_shape)}; the data's are {tuple(target.shape[1:])}.",
                "Reshape one of them: broadcasting would give a wrong distortion.",
            )
        with counted_from(start + row):
            log_px_z[draw, rows] = p.log_prob(target.to(device)).cpu()
    bad = ~log_px_z.isfinite().all(0)
    if bad.any():
        raise ModelError(
            f"The decoder of {parts.model.name} gives a log p(x|z) that is not finite, at example "
            f"{start + int(bad.nonzero()[0])}.",
            "Look at that example, or at the decoder's output for it.",
        )
    return log_px_z


def inputs(
    parts: Parts,
    x: Tensor,
    context: Params,
    batch: PosteriorBatch,
    n: int,
    batch_size: int,
    device: torch.device,
) -> dict[str, Any]:
    """What a probe may ask for, by the names of ``genprobe.encoding.probe_inputs.PROBE_INPUTS``."""
    return {
        "model": parts.model,
        "posterior": parts.posterior,
        "prior": parts.prior,
        "likelihood": parts.likelihood,
        "x": x,
        "context": context,
        "params": batch.params,
        "z": batch.z,
        "log_qz_x": batch.log_qz_x,
        "log_pz": batch.log_pz,
        "log_px_z": batch.log_px_z,
        "index": batch.index,
        "n": n,
        "device": device,
        "batch_size": batch_size,
    }


def columns(
    given: Mapping[str, Any], batch: PosteriorBatch, probes: Mapping[str, Probe]
) -> dict[str, Tensor]:
    """A segment's arrays by their path in the store."""
    x, likelihood = given["x"], given["likelihood"]
    arrays = {f"params/{k}": v for k, v in batch.params.items()}
    arrays |= {"draws/z": batch.z, "draws/log_qz_x": batch.log_qz_x, "draws/log_pz": batch.log_pz}
    if x[0].numel():
        arrays |= {
            "moments/x": x.sum(0, dtype=torch.float64),
            "moments/x_square": x.square().sum(0, dtype=torch.float64),
        }
    if likelihood is not None and likelihood.statistics is not None:
        arrays |= {f"moments/{k}": v.double().sum(0) for k, v in likelihood.statistics(x).items()}
    for name, probe in probes.items():
        values = probe(**{k: given[k] for k in inspect.signature(probe).parameters})
        if values is not None:
            arrays[f"probes/{name}"] = values.detach().cpu()
    return arrays


@contextlib.contextmanager
def counted_from(start: int) -> Iterator[None]:
    """Let a likelihood's complaint name the example by its position in the data set.

    Raises:
        SupportError: as it came, ``start`` added to its example.
    """
    try:
        yield
    except SupportError as error:
        raise error.after(start) from None


@contextlib.contextmanager
def calling(model: Model, part: str, argument: Tensor) -> Iterator[None]:
    """Turn what a model raises into one clear line.

    Raises:
        ModelError: with the shape the model was given and its own words.
    """
    try:
        with torch.inference_mode():
            yield
    except (GenprobeError, torch.AcceleratorError):
        raise
    except Exception as error:
        if out_of_memory(error):
            raise ModelError(
                f"{part} of {model.name} runs out of memory on a batch of {len(argument)}.",
                "Give a smaller --batch-size; what was encoded into a --store is kept.",
            ) from error
        raise ModelError(
            f"{part} of {model.name} fails on a batch of shape {tuple(argument.shape)}: "
            f"{reason_of(error)}.",
            "Check that the data have the shape that the model was trained on.",
        ) from error


@contextlib.contextmanager
def placed(
    module: torch.nn.Module | None, device: torch.device, dtype: torch.dtype
) -> Iterator[None]:
    """A module in evaluation mode, on a device and of a dtype; afterwards as it was."""
    if module is None:
        yield
        return
    training = {m: m.training for m in module.modules()}
    parameters = [(p, p.data, None if p.grad is None else p.grad.data) for p in module.parameters()]
    buffers = [(m, dict(m.named_buffers(recurse=False))) for m in module.modules()]
    module.eval().to(device=device, dtype=dtype)
    try:
        yield
    finally:
        for p, values, gradient in parameters:
            p.data = values
            if p.grad is not None and gradient is not None:
                p.grad.data = gradient
        for m, named in buffers:
            for name, values in named.items():
                setattr(m, name, values)
        for m, mode in training.items():
            m.training = mode
