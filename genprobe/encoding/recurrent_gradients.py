"""Gradients through recurrent layers, of which cuDNN has none in evaluation mode."""

from contextlib import AbstractContextManager, nullcontext

import torch

from genprobe.encoding.reachable import reachable_modules


def recurrent_gradients(decode: object, device: torch.device) -> AbstractContextManager[None]:
    """A context in which recurrent layers have gradients: cuDNN's have none in evaluation mode.

    Args:
        decode: the decoder, which may reach such layers.
        device: of the model.

    >>> gru = torch.nn.GRU(2, 2)
    >>> with recurrent_gradients(gru, torch.device("cuda")):
    ...     torch.backends.cudnn.enabled
    False
    """
    if device.type == "cuda":
        for module in reachable_modules(decode):
            if any(isinstance(layer, torch.nn.RNNBase) for layer in module.modules()):
                return torch.backends.cudnn.flags(enabled=False)
    return nullcontext()
