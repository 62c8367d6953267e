"""Gradients through recurrent layers, of which cuDNN has none in evaluation mode."""

from contextlib import AbstractContextManager, nullcontext

import torch

from genprobe.encoding.reachable import reachable_modules
from genprobe.types import Model


def recurrent_gradients(model: Model, device: torch.device) -> AbstractContextManager[None]:
    """A context in which recurrent layers have gradients: cuDNN's have none in evaluation mode.

    Args:
        model: whose decoder may have such layers.
        device: of the model.

    >>> gru = torch.nn.GRU(2, 2)
    >>> model = Model(
    ...     name="m", encode=gru, decode=gru, posterior="delta", prior="flat", likelihood="normal"
    ... )
    >>> with recurrent_gradients(model, torch.device("cuda")):
    ...     torch.backends.cudnn.enabled
    False
    """
    if device.type == "cuda":
        for module in reachable_modules(model.decode):
            if any(isinstance(layer, torch.nn.RNNBase) for layer in module.modules()):
                return torch.backends.cudnn.flags(enabled=False)
    return nullcontext()
