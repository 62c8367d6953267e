"""Memory: telling that it ran out, and giving it back."""

import math
import mmap
from collections.abc import Sequence

import torch
from torch import Tensor

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


def own_pages(shape: Sequence[int], dtype: torch.dtype) -> Tensor:
    """An array of zeros whose memory goes back to the system as soon as it is let go.

    What is allocated as usual leaves holes: small results that are kept lie behind large arrays
    that are not, and the process grows with each of them.

    Args:
        shape: of the array.
        dtype: of its values.

    Example:
        >>> own_pages((2, 3), torch.int64).sum()
        tensor(0)
    """
    count = math.prod(shape)
    if not count:
        return torch.zeros(*shape, dtype=dtype)
    pages = mmap.mmap(-1, count * dtype.itemsize)
    return torch.frombuffer(pages, dtype=dtype).view(*shape)
