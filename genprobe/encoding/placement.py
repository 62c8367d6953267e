"""A model's modules, ready for evaluation for as long as a run needs them."""

import contextlib
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from genprobe.encoding.reachable import reachable_modules
from genprobe.types import Model, Prior


@contextlib.contextmanager
def in_evaluation(
    model: Model, device: torch.device, dtype: torch.dtype, prior: Prior | None = None
) -> Iterator[None]:
    """Every module that a model reaches in evaluation mode and on a device; afterwards as it was.

    The modules that the records name are of a dtype too. Those that only the functions reach keep
    their own: what the functions cast, they cast for that. Their tensors themselves come back, not
    copies, so less precision loses nothing. Buffers are copies meanwhile: what a model counts while
    it is called, it counts in these.

    Args:
        model: of the user.
        device: where the modules go.
        dtype: of the floating-point tensors of the modules that the records name.
        prior: resolved, if it is.

    >>> layer = nn.Linear(2, 2).double()
    >>> parts = {"posterior": "diagonal-normal", "prior": "standard-normal"}
    >>> model = Model(name="small", encode=layer.forward, module=layer, **parts)
    >>> with in_evaluation(model, torch.device("cpu"), torch.float32):
    ...     layer.weight.dtype, layer.training
    (torch.float32, False)
    >>> layer.weight.dtype, layer.training
    (torch.float64, True)
    """
    own = None if prior is None else prior.module
    named = [module for module in (model.module, own) if module is not None]
    found = reachable_modules(*named, model, prior)
    with given_back(found):
        for module in found:
            with contextlib.suppress(NotImplementedError):  # an exported program has one mode
                module.eval()
        for module in named:
            module.to(device=device, dtype=dtype)
        for module in found:
            if must_move(module, device):
                module.to(device=device)
        yield


@contextlib.contextmanager
def given_back(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Modules with copies of their buffers; afterwards with all tensors and modes as they were."""
    every = list(dict.fromkeys(m for module in modules for m in module.modules()))
    training = {m: m.training for m in every}
    named = [
        (m, name, p)
        for m in every
        for name, p in m.named_parameters(recurse=False, remove_duplicate=False)
    ]
    parameters = [
        (p, p.data, None if p.grad is None else p.grad.data)
        for p in dict.fromkeys(p for _, _, p in named)
    ]
    buffers = [
        (m, name, values)
        for m in every
        for name, values in m.named_buffers(recurse=False, remove_duplicate=False)
    ]
    copies: dict[int, Tensor] = {}
    for m, name, values in buffers:
        setattr(m, name, copies.setdefault(id(values), values.detach().clone()))
    try:
        yield
    finally:
        for p, values, gradient in parameters:
            p.data = values
            if p.grad is not None and gradient is not None:
                p.grad.data = gradient
        for m, name, p in named:
            if getattr(m, name) is not p:  # torch moves to some accelerators by other parameters
                setattr(m, name, p)
        for m, name, values in buffers:
            setattr(m, name, values)
        for m, mode in training.items():
            m.training = mode


def must_move(module: nn.Module, device: torch.device) -> bool:
    """Whether a module lies on one other device; one that is spread over several stays so."""
    tensors = [*module.parameters(), *module.buffers()]
    places = {values.device for values in tensors}
    return len(places) == 1 and torch.empty(0, device=device).device not in places
