"""A hash of a model: of all weights that encoder, decoder, condition and prior reach.

It is of the values alone: the same weights have the same hash however functions are wrapped and
tensors named. What else decides the numbers is compared in ``genprobe.encoding.same_model``.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from genprobe.datasets.row_hashes import row_hashes
from genprobe.encoding.reachable import reachable_modules
from genprobe.store.format import SAID
from genprobe.types import Diffusion, Model, Params, Prior

WEIGHTS = "weights:"
"""What the fingerprint of a model with weights begins with."""


def model_fingerprint(model: Model, params: Params, prior: Prior) -> str:
    """A hash of a model: of its weights, or for bare functions of what they say of one example.

    Of a record it is the record's own, with the tensors of its prior.

    Args:
        model: any.
        params: what its encoder says of the first example.
        prior: its prior, whose tensors or module may be learned too.
    """
    if model.recorded is not None:
        return record_fingerprint(model.recorded.fingerprint, prior)
    weights = {tensor_hash(values) for values in weights_of(model, prior.module)}
    learned = [f"{name} {tensor_hash(values)}" for name, values in sorted(prior.params.items())]
    if model.diffusion is not None:
        return WEIGHTS + digest_of(*sorted(weights), *schedule_facts(model.diffusion))
    if weights:
        return WEIGHTS + digest_of(*sorted(weights), *learned)
    said = [f"{name} {tensor_hash(values)}" for name, values in sorted(params.items())]
    return SAID + digest_of(*said, *learned)


def schedule_facts(chain: Diffusion) -> list[str]:
    """What decides the numbers of a diffusion model besides its network."""
    facts = [chain.predicts, chain.variance, str(chain.clip), str(chain.mean), str(chain.std)]
    levels = (torch.as_tensor(each) for each in (chain.alpha, chain.sigma))
    return [*facts, *(tensor_hash(each) for each in levels)]


def record_fingerprint(recorded: str, prior: Prior) -> str:
    """The hash of a record: of what was kept, and of the tensors of its prior.

    Args:
        recorded: the hash of what was kept.
        prior: its prior.
    """
    digest = hashlib.sha256(recorded.encode())
    learned = prior.params if prior.module is None else prior.module.state_dict()
    for name, values in learned.items():
        digest.update(name.encode())
        digest.update(values.detach().cpu().contiguous().double().numpy().tobytes())
    return digest.hexdigest()


def weights_of(*roots: Any) -> Iterator[Tensor]:
    """The parameters and buffers of all modules that some parts of a model reach."""
    for module in reachable_modules(*roots):
        for values in module.state_dict().values():
            if isinstance(values, Tensor) and not is_lazy(values):
                yield values


def tensor_hash(values: Tensor) -> str:
    """The hash of a tensor's shape and values, in whatever dtype it is.

    Example:
        >>> tensor_hash(torch.ones(2, 3)) == tensor_hash(torch.ones(2, 3).double())
        True
    """
    real = torch.view_as_real(values) if values.is_complex() else values
    return f"{tuple(values.shape)} {row_hashes(real.reshape(1, -1)).tolist()}"


def digest_of(*texts: str) -> str:
    """The hash of some texts."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
