"""The state dicts in a checkpoint, wherever in it they lie, by dotted path.

A state dict is a mapping of strings to tensors, or the parameters and buffers of a pickled module
that was read with stand-ins. What an optimiser holds is none.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from genprobe.escape import escape
from genprobe.loaders.stand_ins import StandIn

DEEPEST = 6
"""Levels of a checkpoint that are looked at."""
LONGEST_NAME = 80
AVERAGED = {"ema", "swa", "avg", "average", "averaged", "polyak", "shadow", "target", "teacher"}
"""Words in the name of weights that are an average over the training, or follow it slowly."""
OPTIMISER = re.compile(r"optimi[sz]er|(^|_)optim($|_)")
"""In the name of what an optimiser holds."""
EXTRA = "_extra_state"
"""How torch names what a module adds to its state dict, a tensor or not."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StateDict:
    """A state dict in a checkpoint.

    Attributes:
        key: its dotted path, empty at the top.
        tensors: by the names of the file.
    """

    key: str
    tensors: Mapping[str, Any]


def state_dicts(content: Any) -> list[StateDict]:
    """The state dicts in a checkpoint, in its order.

    Args:
        content: as it was read.

    Example:
        >>> import torch
        >>> weights = {"weight": torch.ones(1)}
        >>> [found.key for found in state_dicts({"epoch": 3, "model": weights, "ema": weights})]
        ['model', 'ema']
    """
    return list(walk(content, "", set()))


def walk(content: Any, key: str, seen: set[int]) -> Iterator[StateDict]:
    """The state dicts in a part of a checkpoint.

    Args:
        content: of the part.
        key: its dotted path.
        seen: parts that were looked into; a hostile file may hold itself.
    """
    mapping = mapping_of(content)
    if mapping is None:
        return
    named = {k: v for k, v in mapping.items() if isinstance(k, str)}
    tensors = {k: v for k, v in named.items() if isinstance(v, Tensor) or k.endswith(EXTRA)}
    if any(isinstance(value, Tensor) for value in tensors.values()):
        whole = tensors.keys() == mapping.keys() and isinstance(content, Mapping)
        # The mapping itself, whose versions of modules torch would miss in a copy.
        yield StateDict(key=key, tensors=content if whole else tensors)
    if id(content) in seen or key.count(".") >= DEEPEST:
        return
    seen.add(id(content))
    if "param_groups" in named:
        return
    for name, value in named.items():
        if not OPTIMISER.search(name.lower()):
            yield from walk(value, f"{key}.{name}" if key else name, seen)


def mapping_of(content: Any) -> Mapping[Any, Any] | None:
    """A mapping, or what the stand-in of one, of a module or of another object holds."""
    if not isinstance(content, StandIn):
        return content if isinstance(content, Mapping) else None
    if content.items:
        return content.items
    if not isinstance(content.state, Mapping):
        return None
    return dict(module_tensors(content, "")) if is_module(content) else content.state


def is_module(content: Any) -> bool:
    """Whether something stands for a pickled torch module."""
    return (
        isinstance(content, StandIn)
        and isinstance(content.state, Mapping)
        and all(isinstance(content.state.get(k), Mapping) for k in ("_parameters", "_modules"))
    )


def module_tensors(module: StandIn, prefix: str) -> Iterator[tuple[str, Tensor]]:
    """The state dict of a pickled module.

    Args:
        module: its stand-in.
        prefix: of the names.
    """
    state, depth = module.state, prefix.count(".")
    passing = state.get("_non_persistent_buffers_set")
    passing = passing if isinstance(passing, set | frozenset | list | tuple) else ()
    for kind in ("_parameters", "_buffers"):
        for name, value in named_in(state.get(kind)):
            if isinstance(value, Tensor) and name not in passing:
                yield f"{prefix}{name}", value
    for name, part in named_in(state["_modules"]):
        if is_module(part) and depth < 64:
            yield from module_tensors(part, f"{prefix}{name}.")


def named_in(part: Any) -> list[tuple[str, Any]]:
    """What a part of a checkpoint has under strings; a damaged file may hold anything there."""
    if not isinstance(part, Mapping):
        return []
    return [(name, value) for name, value in part.items() if isinstance(name, str)]


def under(found: list[StateDict], key: str) -> list[StateDict]:
    """The state dicts at a dotted path or below it; or the part of one whose names begin so.

    Args:
        found: all state dicts of a checkpoint.
        key: the path.
    """
    if chosen := [s for s in found if s.key == key or s.key.startswith(f"{key}.")]:
        return chosen
    parts = []
    for state in found:
        inside = f"{state.key}." if state.key else ""
        if not key.startswith(inside):
            continue
        start = f"{key.removeprefix(inside)}."
        tensors = {
            name.removeprefix(start): value
            for name, value in state.tensors.items()
            if name.startswith(start)
        }
        if tensors:
            parts.append(StateDict(key=key, tensors=tensors))
    return parts


def is_average(key: str) -> bool:
    """Whether a path names weights that are an average over the training.

    Example:
        >>> [is_average(key) for key in ("params_ema", "model_state_dict", "netEMA.module")]
        [True, False, True]
    """
    words = re.findall(r"[a-z]+", key.lower())
    return any(word in AVERAGED or word.endswith("ema") for word in words)


def describe(content: Any) -> str:
    """What is in a checkpoint, in words: the names at its top, and what lies under each.

    Example:
        >>> import torch
        >>> describe({"epoch": 3, "model": {"encoder.weight": torch.ones(1)}})
        'epoch, model (1 tensor)'
    """
    mapping = mapping_of(content)
    if mapping is None:
        kind = content.name if isinstance(content, StandIn) else type(content).__name__
        return f"a {printable(kind)}"
    if not mapping:
        return "nothing"
    groups: dict[str, int] = {}
    for name, value in mapping.items():
        word = printable(name if isinstance(name, str) else f"a {type(name).__name__}")
        top = word.split(".")[0] if isinstance(value, Tensor) else word
        inside = sum(len(s.tensors) for s in walk(value, "", set()))
        groups[top] = groups.get(top, 0) + inside + isinstance(value, Tensor)
    words = [
        f"{name} ({count} tensor{'s' * (count != 1)})" if count else name
        for name, count in groups.items()
    ]
    return ", ".join(words[:6]) + (f" and {len(words) - 6} more" if len(words) > 6 else "")


def printable(name: str) -> str:
    r"""A name of a file as it may be shown: short, on one line, and without control characters.

    Example:
        >>> printable("encoder.weight"), printable("\x1b[2Jw\n")
        ('encoder.weight', '\\x1b[2Jw\\n')
    """
    shown = escape(name)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 1]}…"
