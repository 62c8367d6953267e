"""Matmuls of full precision, whatever the program around has asked torch for.

TF32 on GPUs, bfloat16 on CPUs and autocast are fine for training and far too coarse for the
exponents of a density.
"""

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Float32 means float32, and no gradient is kept; afterwards all is as it was.

    The precision is the whole process's: of threads that enter it at once the last would put back
    what another had set, so it is entered around them all, too.

    Args:
        device: where the matmuls are.
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)
