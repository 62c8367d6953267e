"""Binding a model to a data set: names become parts, and the store's header is written down."""

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from genprobe.context import context_of
from genprobe.encode import Parts, encode_examples, placed, read_examples
from genprobe.errors import DataError
from genprobe.manager import plugins
from genprobe.store.format import Header, segment_rows
from genprobe.types import Dataset, Family, Likelihood, Model, Params, Prior, Recorded


def prepare(
    model: Model,
    dataset: Dataset,
    *,
    draws: int,
    seed: int,
    dtype: str,
    device: torch.device,
) -> tuple[Header, Parts]:
    """The header of the store and the model's parts, after encoding the first example.

    Args:
        model: parts may be given by name.
        dataset: to be encoded.
        draws: posterior draws per example.
        seed: of the draws.
        dtype: ``float32`` or ``float64``.
        device: where the module runs.

    Raises:
        GenprobeError: if the data do not fit the model, or a part has an unknown name.
    """
    posterior: Family = named_part("families", model.posterior)
    likelihood: Likelihood | None = named_part("likelihoods", model.likelihood)
    source = likelihood
    if model.recorded is not None:
        require_fits(model, model.recorded, dataset)
        source = named_part("likelihoods", model.recorded.likelihood)
    tensor_type = getattr(torch, dtype)
    x = read_examples(dataset, 0, 1, tensor_type)
    context = context_of(model, dataset, x, 0)
    with placed(model.module, device, tensor_type):
        params = encode_examples(model, posterior, x, context, 0, 1, device)
    latent = posterior.event_shape(params)
    prior = bind_prior(model.prior, latent, model.prior_params)
    analytic = prior.kl(posterior, params) is not None
    if model.recorded is not None and not analytic:
        require_draws(model, model.recorded, draws)
    header = Header(
        model=model.name,
        model_fingerprint=fingerprint(model, params),
        dataset=dataset.name,
        dataset_fingerprint=dataset.fingerprint,
        n=dataset.n,
        event_shape=tuple(dataset.event_shape),
        latent_shape=tuple(latent),
        family=posterior.name,
        prior=prior.name,
        likelihood=None if likelihood is None else likelihood.name,
        discrete=source is not None and source.discrete,
        binarize=dataset.binarize,
        entropy=dataset.entropy,
        rate_analytic=analytic,
        draws=draws,
        seed=seed,
        dtype=dtype,
        segment=segment_rows(tuple(dataset.event_shape), tuple(latent)),
        training=dict(model.training),
        context=tuple(sorted(context)),
    )
    return header, Parts(model=model, posterior=posterior, prior=prior, likelihood=likelihood)


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


def bind_prior(prior: Prior | str, latent: torch.Size, params: Params) -> Prior:
    """A prior given as itself, or built by its registered name for the shape of z."""
    if not isinstance(prior, str):
        return prior
    built: Prior = plugins().get("priors", prior).build(latent, params)
    return built


def fingerprint(model: Model, params: Params) -> str:
    """A hash of a model: of its weights, or for bare functions of what they say of one example.

    Of a record it is the record's own, with the tensors of its prior.

    Args:
        model: any.
        params: what its encoder says of the first example.
    """
    digest = hashlib.sha256()
    tensors: Mapping[str, Tensor] = params if model.module is None else model.module.state_dict()
    if model.recorded is not None:
        digest.update(model.recorded.fingerprint.encode())
        tensors = {}
    for name, values in (*tensors.items(), *model.prior_params.items()):
        digest.update(name.encode())
        digest.update(values.detach().cpu().contiguous().double().numpy().tobytes())
    return digest.hexdigest()
