"""A module on a device for as long as a run needs it."""

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def on_device(
    module: torch.nn.Module | None, device: torch.device, dtype: torch.dtype
) -> Iterator[None]:
    """A module in evaluation mode, on a device and of a dtype; afterwards as it was.

    Its tensors themselves come back, not copies, so less precision loses nothing.

    Args:
        module: of a model or a prior; None where there is none.
        device: where it goes.
        dtype: of its floating-point tensors meanwhile.

    >>> layer = torch.nn.Linear(2, 2).double()
    >>> with on_device(layer, torch.device("cpu"), torch.float32):
    ...     layer.weight.dtype, layer.training
    (torch.float32, False)
    >>> layer.weight.dtype, layer.training
    (torch.float64, True)
    """
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
