"""Telling that memory ran out from every other error."""

import torch

CPU_WORDS = "DefaultCPUAllocator"


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a GPU or the CPU.

    >>> out_of_memory(MemoryError())
    True
    >>> out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory"))
    True
    >>> out_of_memory(RuntimeError("shape mismatch"))
    False
    """
    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or CPU_WORDS in str(error)
