"""What a user's code raises, as one line that names the part at fault and what it was given."""

import contextlib
import re
from collections.abc import Iterator, Sequence

import torch

from genprobe.errors import GenprobeError, ModelError, reason_of
from genprobe.runtime.memory import out_of_memory

SMALLER_BATCH = "Give a smaller --batch-size; what was encoded into a --store is kept."

BETTER = {
    "argument #1 'indices'": "What it is given is in floating point, class and token ids too: "
    "call x.long() before the embedding.",
    "missing 1 required positional argument: 'x'": "A decoder that is given the examples is "
    "teacher-forced: say so with Model(teacher_forced=True).",
    "per channel when training": "It takes statistics of the batch: give the module to the Model "
    "as module=, so that it is put into evaluation mode.",
    "dtype|scalar type|Input type": "What it is given has the dtype of the run. Name the module as "
    "module=, which is put into it, and leave casts such as .half() out; or cast in the function.",
}
"""What to do where an error says more than that something failed, by words of torch's."""


WITHOUT_CHANNELS = (
    r"weight of size \[\d+, \d+, \d+, \d+\].* to have 1 channels|expected 4D input \(got 3D|"
    r"input\.dim\(\) = 3 .* len\(dims\) = 4|expected 4, got 3|range of \[-3, 2\], but got 3"
)
"""What torch and Python say where images (n, h, w) meet what takes (n, 1, h, w)."""
TRAINED_SHAPE = "Check that the data have the shape that the model was trained on."


def better_remedy(part: str, shape: Sequence[int], why: str) -> str | None:
    """What to do where an error says more than that something failed; None where it does not.

    Args:
        part: at fault, as a message begins.
        shape: of what it was given.
        why: the error's own words.

    >>> better_remedy("encode of m", (8, 28, 28), "expected 4D input (got 3D input)")[:45]
    'One example is (28, 28): if the model takes c'
    >>> better_remedy("encode of m", (8, 28, 28), "Too large.")
    """
    if part.startswith("encode") and len(shape) == 3 and re.search(WITHOUT_CHANNELS, why):
        height, width = shape[1:]
        return (
            f"One example is ({height}, {width}): if the model takes channels, let encode begin "
            "with x.unsqueeze(1) and decode end with .squeeze(1), or give data of shape "
            f"(N, 1, {height}, {width})."
        )
    return next((advice for words, advice in BETTER.items() if re.search(words, why)), None)


@contextlib.contextmanager
def user_errors(
    part: str,
    shape: Sequence[int],
    remedy: str,
    *,
    given: str = "a batch",
    memory_remedy: str = SMALLER_BATCH,
) -> Iterator[None]:
    """Turn whatever a user's code raises into a ModelError.

    A GenprobeError says already what is wrong, and a lost device is reported with the run.

    Args:
        part: at fault, as a message begins: ``decode of mine``.
        shape: of what it was given.
        remedy: what to do where it fails.
        given: what it was given, for the message.
        memory_remedy: what to do where memory runs out.

    Raises:
        ModelError: with the part, the shape, and the error's own words unless memory ran out.

    >>> with user_errors("decode of m", (8, 2), "Check the layers."):
    ...     raise ValueError("Too large.")
    Traceback (most recent call last):
    genprobe.errors.ModelError: decode of m fails on a batch of 8, each of shape (2,): Too large.
    Check the layers.
    """
    try:
        with memory_errors(part, shape, given=given, remedy=memory_remedy):
            yield
    except (GenprobeError, torch.AcceleratorError):
        raise
    except Exception as error:
        why = reason_of(error)
        raise ModelError(
            f"{part} fails on {in_words(given, shape)}: {why}.",
            better_remedy(part, shape, why) or remedy,
        ) from error


@contextlib.contextmanager
def memory_errors(
    part: str, shape: Sequence[int], *, given: str = "a batch", remedy: str = SMALLER_BATCH
) -> Iterator[None]:
    """Turn only torch's errors of running out of memory into a ModelError.

    Args:
        part: at fault, as a message begins.
        shape: of what it was given.
        given: what it was given, for the message.
        remedy: what to do about it.

    Raises:
        ModelError: with the part and the shape.

    >>> with memory_errors("decode of m", (8, 2)):
    ...     raise MemoryError
    Traceback (most recent call last):
    genprobe.errors.ModelError: decode of m runs out of memory on a batch of 8, each of shape (2,).
    Give a smaller --batch-size; what was encoded into a --store is kept.
    """
    try:
        yield
    except GenprobeError:
        raise
    except Exception as error:
        if not out_of_memory(error):
            raise
        raise ModelError(
            f"{part} runs out of memory on {in_words(given, shape)}.", remedy
        ) from error


def in_words(given: str, shape: Sequence[int]) -> str:
    """What was given, such that nobody takes the batch for an axis of one example."""
    if given != "a batch" or not shape:
        return f"{given} of shape {tuple(shape)}"
    return f"a batch of {shape[0]}, each of shape {tuple(shape[1:])}"
