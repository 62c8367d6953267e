"""Resolving a model for a data set: names become parts, and the store gets its header."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution

from genprobe.encoding.calls import Calls
from genprobe.encoding.chain_calls import discovered, family_at
from genprobe.encoding.chain_prior import first_prior
from genprobe.encoding.context import context_of, keywords
from genprobe.encoding.diffusion import describe_chain
from genprobe.encoding.examples import encode_examples, read_examples, say_what_names_mean
from genprobe.encoding.model_fingerprint import model_fingerprint
from genprobe.encoding.parts import Fitting, Parts
from genprobe.encoding.placement import in_evaluation
from genprobe.encoding.prior_calls import call_for_prior, guarded, log_prior
from genprobe.encoding.repeatable import ROWS, require_repeatable
from genprobe.errors import DataError, GenprobeError, ModelError, UsageError, reason_of
from genprobe.loaders.prior_file import prior_from_file
from genprobe.plugins import plugins
from genprobe.priors.from_distribution import over_events
from genprobe.priors.from_module import prior_from_module
from genprobe.priors.recognise import prior_of
from genprobe.runtime.seeds import derived_seed, seeded
from genprobe.store.format import Header, segment_rows
from genprobe.types import (
    Dataset,
    Family,
    Model,
    NamedPrior,
    Params,
    Prior,
    PriorFactory,
    PriorLike,
    Recorded,
)


def prepare(
    model: Model,
    dataset: Dataset,
    *,
    draws: int,
    seed: int,
    dtype: str,
    device: torch.device,
    batch_size: int = ROWS,
    without_encoder: Callable[[Calls, Dataset, int], Fitting] | None = None,
    tolerance: float = 0.01,
    keep_levels: bool = False,
) -> tuple[Header, Parts]:
    """The header of the store and the model's parts, after encoding a few examples.

    Args:
        model: parts may be given by name.
        dataset: to be encoded.
        draws: posterior draws per example.
        seed: of the draws.
        dtype: ``float32`` or ``float64``.
        device: where the module runs.
        batch_size: the most rows of one call of the model.
        without_encoder: calls, data and seed to how posteriors are fitted where there is no
            encoder; None to refuse such a model.
        tolerance: of a diffusion model's bound, bits a value or a share of the rate.
        keep_levels: whether the draws of every level of a chain are stored.

    Raises:
        GenprobeError: if the data do not fit the model, a part has an unknown name, the model
            depends on chance or on the batch, or has no levels to be kept.
    """
    calls = bind_model(model, device=device, dtype=getattr(torch, dtype), batch_size=batch_size)
    posterior, source = calls.posterior, calls.likelihood
    if model.recorded is not None:
        require_fits(model, model.recorded, dataset)
        say_what_names_mean(calls)
        source = named_part("likelihoods", model.recorded.likelihood)
    x = read_examples(dataset, 0, 1, calls.dtype)
    calls = calls.given(context_of(model, dataset, x, 0))
    with in_evaluation(model, device, calls.dtype):
        calls = with_what_is_found(calls, dataset, x, seed, without_encoder)
        diffuses = model.diffusion is not None
        chain = describe_chain(calls, dataset, seed, tolerance) if diffuses else None
        params = first_parameters(calls, x)
        latent = posterior.event_shape(params)
        given = model.prior if calls.chain is None else first_prior(calls.chain)
        prior = bind_prior(given, latent, {}, family=posterior, example=params)
        require_fit(prior, posterior, params, seed)
        read_as = {} if chain else require_repeatable(calls, prior, dataset, seed)
    analytic = not chain and prior.kl(posterior, params) is not None
    if model.recorded is not None and not analytic:
        require_draws(model, model.recorded, draws)
    header = Header(
        model=model.name,
        model_fingerprint=model_fingerprint(model, params, prior),
        dataset=dataset.name,
        dataset_fingerprint="" if x.numel() else dataset.fingerprint,
        n=dataset.n,
        event_shape=tuple(dataset.event_shape),
        latent_shape=tuple(latent),
        family=posterior.name,
        prior=prior.name,
        likelihood=None if calls.likelihood is None else calls.likelihood.name,
        discrete=source is not None and source.discrete,
        binarize=dataset.binarize,
        entropy=dataset.entropy,
        rate_analytic=analytic,
        draws=draws,
        seed=seed,
        dtype=dtype,
        segment=segment_rows(tuple(dataset.event_shape), tuple(latent)),
        training=dict(model.training) | ({"read_as": read_as} if read_as else {}),
        context=tuple(sorted(keywords(calls.context))),
        teacher_forced=model.teacher_forced,
        device=device.type,
        encoder=model.encodes,
        diffusion=chain,
        levels=levels_of(calls),
        keep_levels=keep_levels,
    )
    if keep_levels and not header.levels:
        raise UsageError(
            f"{model.name} is no chain of latents, whose levels could be kept.",
            "Leave --keep-levels (keep_levels) out: the draws of z are in the store.",
        )
    return header, parts_of(calls, prior)


def with_what_is_found(
    calls: Calls,
    dataset: Dataset,
    x: Tensor,
    seed: int,
    without_encoder: Callable[[Calls, Dataset, int], Fitting] | None,
) -> Calls:
    """Calls with what only a run of the model tells: the levels of a chain, how q is fitted.

    Args:
        calls: of the model, in evaluation mode.
        dataset: to be encoded.
        x: its first example (1, *event).
        seed: of the draws.
        without_encoder: as for ``prepare``.
    """
    if not calls.model.encodes and without_encoder is not None:
        calls = replace(calls, fitting=without_encoder(calls, dataset, seed))
    if calls.model.chain is not None:
        with seeded(derived_seed(seed, "levels")):
            calls = replace(calls, chain=discovered(calls, x))
    return calls


def first_parameters(calls: Calls, x: Tensor) -> Params:
    """Parameters (1, ...) of the posterior of one example x (1, *event)."""
    if calls.model.diffusion is not None:
        return {"loc": x.new_zeros(1, 1), "scale": x.new_ones(1, 1)}
    return encode_examples(calls, x, 0) if calls.fitting is None else calls.fitting.start


def levels_of(calls: Calls) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Family and shape of z of each level of a chain, for the header; none of any other model."""
    if calls.chain is None:
        return ()
    each = zip(calls.chain.families, calls.chain.shapes, strict=True)
    return tuple((family.name, tuple(shape)) for family, shape in each)


def parts_of(calls: Calls, prior: Prior) -> Parts:
    """A model's parts, once its prior is resolved."""
    return Parts(
        model=calls.model,
        posterior=calls.posterior,
        prior=prior,
        likelihood=calls.likelihood,
        fitting=calls.fitting,
        chain=calls.chain,
    )


def bind_model(model: Model, *, device: torch.device, dtype: torch.dtype, batch_size: int) -> Calls:
    """The calls of a model whose parts may be given by name; its prior is not resolved yet.

    Args:
        model: of the user.
        device: of the model.
        dtype: that x and z are given to it in.
        batch_size: the most rows of one call.

    Raises:
        PluginError: if a part has an unknown name.
    """
    return Calls(
        model=model,
        posterior=named_part("families", model.posterior)
        if model.chain is None
        else family_at(model, 0),
        likelihood=named_part("likelihoods", model.likelihood),
        device=device,
        dtype=dtype,
        batch_size=batch_size,
    )


def require_fits(model: Model, recorded: Recorded, dataset: Dataset) -> None:
    """Check that what was recorded is of these data.

    Raises:
        DataError: if it is of another number of examples.
    """
    if recorded.n != dataset.n:
        raise DataError(
            f"{model.name} holds posteriors of {recorded.n} examples; {dataset.name} has "
            f"{dataset.n}.",
            "Give the data they were made from, in the same order.",
        )


def require_draws(model: Model, recorded: Recorded, draws: int) -> None:
    """Check that a recorded distortion can be added to a rate that is a mean over draws.

    Raises:
        DataError: if it has another number of draws, and more than one.
    """
    if recorded.distortion_draws not in (0, 1, draws):
        raise DataError(
            f"{model.name} holds a distortion of {recorded.distortion_draws} draws; its rate has "
            f"no closed form and would be of {draws}.",
            f"Give --draws {recorded.distortion_draws}, or one distortion an example.",
        )


def named_part(kind: str, part: Any) -> Any:
    """A part given as itself or by its registered name."""
    return plugins().get(kind, part) if isinstance(part, str) else part


def bind_prior(
    prior: PriorLike,
    latent: torch.Size,
    params: Params,
    *,
    family: Family | None = None,
    example: Params | None = None,
) -> Prior:
    """Whatever a model may give as its prior, as a Prior over z of that shape.

    What its functions raise is reported as a fault of the prior, wherever they are called.

    Args:
        prior: see ``genprobe.types.PriorLike``.
        latent: the shape of z.
        params: the tensors of a prior given by name, as a store kept them; empty for none.
        family: of the posteriors, and
        example: the parameters (1, ...) of one, for what a prior without tensors takes from them.

    Raises:
        PluginError: if there is no prior of that name.
        ModelError: if it cannot be built for z of that shape.
    """
    return guarded(prior_from(prior, latent, params, family, example), latent)


def prior_from(
    prior: PriorLike,
    latent: torch.Size,
    params: Params,
    family: Family | None,
    example: Params | None,
) -> Prior:
    """The same, its functions as they were given."""
    prior = prior_from_file(prior)
    if isinstance(prior, Prior):
        return prior
    if isinstance(prior, str):
        factory: PriorFactory = plugins().get("priors", prior)
        if not params and family is not None and example is not None:
            params = factory.defaults(family, example)
        return built(factory, latent, params)
    if isinstance(prior, NamedPrior):
        return built(plugins().get("priors", prior.name), latent, prior.params)
    if isinstance(prior, Distribution):
        require_shape(type(prior).__name__, over_events(prior).event_shape, latent)
        return prior_from(prior_of(prior), latent, {}, None, None)
    if isinstance(prior, torch.nn.Module):
        return prior_from_module(prior)
    if not callable(prior):
        raise ModelError(
            f"A prior cannot be a {type(prior).__name__}.",
            "Give a registered name, a NamedPrior, a torch distribution, a module or a Prior.",
        )
    return prior_from(call_for_prior(prior, latent), latent, {}, family, example)


def built(factory: PriorFactory, latent: torch.Size, params: Params) -> Prior:
    """The prior that a factory builds.

    Raises:
        ModelError: if the tensors do not suit it.
    """
    try:
        return factory.build(latent, params)
    except GenprobeError:
        raise
    except Exception as error:
        raise ModelError(
            f"The prior {factory.name} cannot be built for z of shape {tuple(latent)}: "
            f"{reason_of(error)}.",
            "Check the names and shapes of its tensors.",
        ) from error


def require_shape(name: str, found: torch.Size, latent: torch.Size) -> None:
    """Check the shape of a prior's event.

    Raises:
        ModelError: if it is not that of z, even if one could be broadcast to the other.
    """
    if found != latent:
        raise ModelError(
            f"The prior {name} is over z of shape {tuple(found)}; the model's z has the shape "
            f"{tuple(latent)}.",
            "Expand or reshape its parameters to the shape of z.",
        )


def require_fit(prior: Prior, posterior: Family, params: Params, seed: int) -> None:
    """Check a prior on a draw from one posterior (1, ...).

    Raises:
        ModelError: if log p(z) fails or is not finite, if its shape or that of the KL is wrong, or
            if the prior has the name of a registered one and is another.
    """
    latent = posterior.event_shape(params)
    if prior.distribution is not None:
        require_shape(prior.name, prior.distribution.event_shape, latent)
    with seeded(derived_seed(seed, "prior")):
        z = posterior.distribution(params).sample((1,)).double()
    log_pz = log_prior(prior, z, 0)
    kl = prior.kl(posterior, {k: v.double() for k, v in params.items()})
    if kl is not None and kl.shape != (1,):
        raise ModelError(
            f"The prior {prior.name} gives a KL of shape {tuple(kl.shape)} for one posterior.",
            "Its kl must return one number an example, or None.",
        )
    require_own_name(prior, z, log_pz)


def require_own_name(prior: Prior, z: Tensor, log_pz: Tensor) -> None:
    """Check that what is rebuilt by a prior's name from the store, if anything, is this prior.

    Raises:
        ModelError: if it is another.
    """
    if not any(part.name == prior.name for part in plugins().parts("priors")):
        return
    try:
        rebuilt = bind_prior(prior.name, z.shape[2:], prior.params)
    except ModelError:
        return
    if not torch.allclose(rebuilt.log_prob(z).double(), log_pz, rtol=1e-6, atol=1e-6):
        raise ModelError(
            f"The prior {prior.name} is not the registered one of that name with its tensors.",
            "Give it a name of its own: a report made from the store would take the other.",
        )
