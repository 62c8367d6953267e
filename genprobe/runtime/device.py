"""The device that a model runs on: choosing it by name, and what is said when it is lost."""

import contextlib
import os
from collections.abc import Iterator

import torch

from genprobe.errors import GenprobeError, reason_of
from genprobe.runtime.near_names import hint
from genprobe.runtime.ranks import launched

DEVICES = ("auto", "cpu", "cuda", "cuda:1", "mps")
"""What a device may be called; others of torch's will do, where they work."""


def choose_device(name: str) -> torch.device:
    """The device of that name; ``auto`` takes a GPU where there is one, of several ranks its own.

    Raises:
        GenprobeError: if it does not exist here.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return own_gpu()
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        meant = hint(name.partition(":")[0], DEVICES, "devices")
        raise GenprobeError(
            f"There is no device {name!r}.", f"{meant}Choose {', '.join(DEVICES)}."
        ) from error
    try:
        torch.empty(1, device=device)
        return own_gpu() if str(device) == "cuda" else device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise GenprobeError(
            f"The device {name!r} does not work here: {reason_of(error)}.", "Try cpu."
        ) from error


def own_gpu() -> torch.device:
    """The GPU of this process: the one of its local rank."""
    local = int(os.environ.get("LOCAL_RANK", "0")) if launched() else torch.cuda.current_device()
    return torch.device("cuda", local % torch.cuda.device_count())


def has_float64(device: torch.device) -> bool:
    """Whether a device computes in float64, which Apple's GPUs do not.

    >>> has_float64(torch.device("cpu"))
    True
    """
    try:
        torch.zeros(1, dtype=torch.float64, device=device)
    except (TypeError, RuntimeError):
        return False
    return True


@contextlib.contextmanager
def explain_device_loss(device: str, resumable: bool) -> Iterator[None]:
    """Turn the loss of a device into one clear line.

    Args:
        device: as the user named it.
        resumable: whether a rerun goes on from what is stored.

    Raises:
        GenprobeError: saying what torch said, and that a rerun resumes.
    """
    try:
        yield
    except torch.AcceleratorError as error:
        raise GenprobeError(
            f"The device {device} stopped answering: {reason_of(error)}.",
            "Run the same command again: it goes on where it stopped."
            if resumable
            else "Run it again; with --store it would go on where it stopped.",
        ) from error
