"""Plain facts that a file gives of a model: strings, numbers, and lists and mappings of them.

They go into stores and reports, and a few say how the model is evaluated. A file may hold anything
in their place.
"""

import reprlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from genprobe.errors import ModelError

DEEPEST = 32
"""Levels of mappings and lists."""
LARGEST = 2**63
FACTS: Mapping[str, type] = {
    "data": str,
    "binarize": str,
    "layer": str,
    "weights": str,
    "channels": int,
    "epoch": int,
    "read_as": Mapping,
    "sweep": Mapping,
}
"""Facts of the training that genprobe acts upon, and of what type each is."""


def require_plain(value: Any, where: str = "config", levels: int = DEEPEST) -> None:
    """Check that a value is made of plain types only.

    Args:
        value: to be checked.
        where: it is, for the error.
        levels: of mappings and lists that there may be.

    Raises:
        ModelError: naming where it is not.

    Example:
        >>> require_plain({"hidden": [256, "wide"], "scale": None})
        >>> require_plain({"hidden": [set()]})
        Traceback (most recent call last):
            ...
        genprobe.errors.ModelError: A bundle holds plain types only; config['hidden'][0] is a set.
    """
    if not levels:
        raise ModelError(f"A bundle holds plain types only; {where[:80]} is nested too deeply.")
    if isinstance(value, Mapping):
        for key, item in value.items():
            require_single(key, f"a name in {where}")
            require_plain(item, f"{where}[{reprlib.repr(key)}]", levels - 1)
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            require_plain(item, f"{where}[{i}]", levels - 1)
    else:
        require_single(value, where)


def require_single(value: Any, where: str) -> None:
    """Check that a value is one string, number, truth value or None.

    Raises:
        ModelError: naming where it is not, or is a number that no other program reads.
    """
    if not isinstance(value, str | int | float | bool | None):
        raise ModelError(f"A bundle holds plain types only; {where} is a {type(value).__name__}.")
    if isinstance(value, int) and abs(value) >= LARGEST:
        raise ModelError(f"A bundle holds numbers of 64 bits; {where} is larger.")


def require_facts(training: Any, where: str) -> None:
    """Check the facts of a training, those that genprobe acts upon by their types.

    Args:
        training: as a file has it.
        where: the file, in words.

    Raises:
        ModelError: naming the fact at fault.

    Example:
        >>> require_facts({"data": 3}, "model.pt")
        Traceback (most recent call last):
            ...
        genprobe.errors.ModelError: model.pt says of its training that data is a int, not a str.
    """
    if not isinstance(training, Mapping):
        raise ModelError(f"{where} gives a {type(training).__name__} as facts of its training.")
    require_plain(training, "training")
    for name, kind in FACTS.items():
        value = training.get(name)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise ModelError(
                f"{where} says of its training that {name} is a {type(value).__name__}, not a "
                f"{kind.__name__}."
            )
    if training.get("channels") is not None and training["channels"] < 1:
        raise ModelError(f"{where} says that its model takes {training['channels']} channels.")


def require_tensors(tensors: Any, where: str) -> None:
    """Check that something is a mapping of names to tensors that are wholly in the file.

    Args:
        tensors: as a file has them.
        where: they are, in words.

    Raises:
        ModelError: naming the first that is something else.

    Example:
        >>> import torch
        >>> require_tensors({"weight": torch.ones(1).expand(10**12)}, "model.pt")
        Traceback (most recent call last):
            ...
        genprobe.errors.ModelError: model.pt holds 'weight', larger than what is stored of it.
    """
    if not isinstance(tensors, Mapping):
        raise ModelError(f"{where} holds a {type(tensors).__name__} instead of tensors.")
    for name, value in tensors.items():
        shown = reprlib.repr(name) if isinstance(name, str) else f"a {type(name).__name__}"
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise ModelError(f"{where} holds {shown}, which is no tensor with a name.")
        if value.layout != torch.strided or value.is_quantized or value.device.type != "cpu":
            raise ModelError(f"{where} holds {shown}, which is no dense tensor.")
        if value.nbytes > value.untyped_storage().nbytes():
            raise ModelError(f"{where} holds {shown}, larger than what is stored of it.")
