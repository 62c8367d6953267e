"""Hostile arguments of the types of torch's schemas."""

from dataclasses import dataclass
from random import Random
from typing import Any

import torch


@dataclass(frozen=True)
class Given:
    """A tensor argument.

    Attributes:
        shape: of it.
        dtype: of it.
        values: normal, index, nan, huge, zero or wild.
        layout: contiguous, expanded, transposed, sliced or last, with the channels last.
        gradient: whether it requires one.
    """

    shape: tuple[int, ...]
    dtype: torch.dtype = torch.float32
    values: str = "normal"
    layout: str = "contiguous"
    gradient: bool = False


HUGE = (2**31, 2**31 - 1, 2**32, 2**40, 2**62, 2**63 - 1, -(2**63), -(2**31), 10**6, 64, 7, -7)
NAN, INF = float("nan"), float("inf")
FLOATS = (0.5, 1.0, 2.0, 0.0, -1.0, 1e-5, 3.7, NAN, INF, -INF, 1e300, -1e300, 1e-300)
DTYPES = (
    *(torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.bool, torch.uint8),
    *(torch.int8, torch.int16, torch.int32, torch.int64, torch.complex64, torch.complex128),
)
WORDS = (
    *("none", "tanh", "mean", "floor", "trunc", "constant", "reflect", "circular", "replicate"),
    *("bilinear", "sum", "amax", "amin", "prod", "fro", "nuc", "ij", "xy", "L", "same", "valid"),
    *("ij,jk->ik", "...i,...i", "ii->i", "i" * 60, "", "\0", "a" * 5000),
)
SIZES = (1, 2, 3, 4, 2, 3, 0, 5, 17)
LAYOUTS = ("contiguous",) * 5 + ("expanded", "transposed", "sliced", "last", "last")
VALUES = ("normal", "normal", "index", "nan", "huge", "zero", "wild")
FORMATS = (torch.contiguous_format, torch.channels_last, torch.preserve_format)


def whole(r: Random) -> int:
    """A number, a fifth of the time a huge one."""
    return r.choice(HUGE) if r.random() < 0.2 else r.randint(-2, 4)


def usual(r: Random, number: int, n: int) -> list[int]:
    """A number for each axis, a fifth of the time another."""
    return [whole(r) for _ in range(n)] if r.random() < 0.2 else [number] * n


def sizes(r: Random, longest: int = 5, least: int = 0) -> tuple[int, ...]:
    """A shape."""
    return tuple(r.choice(SIZES) for _ in range(r.randint(least, longest)))


def tensor(r: Random, base: tuple[int, ...], dtype: torch.dtype, name: str) -> Given:
    """A tensor that more or less fits others of that shape and dtype."""
    shape = r.choice((base, base, base, base[1:], base[1:2], base[::-1], sizes(r)))
    indexed = name in ("index", "indices", "pivots")
    fitting = torch.int64 if indexed else dtype
    found = r.choice(DTYPES) if r.random() < 0.15 else fitting
    values = "index" if indexed and r.random() < 0.5 else r.choice(VALUES)
    return Given(shape, found, values, r.choice(LAYOUTS), r.random() < 0.5)


def argument(r: Random, kind: str, name: str, base: tuple[int, ...], dtype: torch.dtype) -> Any:
    """An argument of a type of torch's schemas."""
    if kind.startswith("Optional["):
        inside = kind.removeprefix("Optional[")[:-1]
        return None if r.random() < 0.4 else argument(r, inside, name, base, dtype)
    if kind == "List[int]" and r.random() < 0.7:
        return r.choice((list(base), list(base[2:]), [2, 2], [1] * len(base[2:])))
    if kind.startswith("List["):
        inside = kind.removeprefix("List[")[:-1]
        return [argument(r, inside, name, base, dtype) for _ in range(r.randint(0, 4))]
    if kind == "Tensor":
        return tensor(r, base, dtype, name)
    if kind == "int":
        # An int of a schema is also a dtype, a layout or a memory format.
        choices = {"dtype": DTYPES, "layout": (torch.strided,), "memory_format": FORMATS}
        return r.choice(choices[name]) if name in choices else whole(r)
    if kind == "number":
        return r.choice((whole(r), whole(r), r.choice(FLOATS), True))
    return r.choice(
        {"float": FLOATS, "bool": (True, False), "str": WORDS, "Device": (torch.device("cpu"),)}[
            kind
        ]
    )
