"""The shape of z where no posterior says it: of a model without an encoder, from its prior."""

import torch
from torch import Size
from torch.distributions import Distribution

from genprobe.encoding.prior_calls import call_for_prior
from genprobe.errors import ModelError
from genprobe.loaders.prior_file import prior_from_file
from genprobe.priors.from_distribution import over_events
from genprobe.priors.from_module import prior_from_module
from genprobe.types import Model, NamedPrior, Prior, PriorLike

REMEDY = (
    "Give Model(latent_shape=(64,)), say, or the prior as a torch distribution over one z: "
    "Normal(torch.zeros(64), torch.ones(64))."
)


def latent_shape_of(model: Model) -> Size:
    """The shape of one z of a model without an encoder.

    Args:
        model: that says it, or whose prior does.

    Raises:
        ModelError: if neither does.

    >>> from torch.distributions import Normal
    >>> parts = {"encode": None, "decode": torch.sigmoid, "likelihood": "bernoulli"}
    >>> prior = Normal(torch.zeros(3), torch.ones(3))
    >>> latent_shape_of(Model(name="three", prior=prior, **parts))
    torch.Size([3])
    """
    if model.latent_shape is not None:
        return Size(model.latent_shape)
    found = shape_said_by(model.prior)
    if found is None:
        raise ModelError(
            f"Nothing says the shape of z: the model {model.name} has no encoder, and its prior is "
            "given by name.",
            REMEDY,
        )
    return found


def shape_said_by(given: PriorLike) -> Size | None:
    """The shape of one z of a prior; None if it is given by its name.

    Args:
        given: as a model gives it.
    """
    prior = prior_from_file(given)
    if isinstance(prior, Distribution):
        return over_events(prior).event_shape
    if isinstance(prior, torch.nn.Module):
        prior = prior_from_module(prior)
    if isinstance(prior, Prior):
        if prior.distribution is not None:
            return prior.distribution.event_shape
        with torch.random.fork_rng(devices=[]):
            return prior.sample(1).shape[1:]
    if isinstance(prior, str | NamedPrior) or not callable(prior):
        return None
    return shape_said_by(call_for_prior(prior, Size()))
