"""The torch modules that a user's functions call, found without calling them.

A function reaches what it is bound to, what its closure and its defaults hold, the globals that its
code names, and the attributes of each of these. What comes with Python, torch or numpy is not
looked into: it holds no weights of the user's.
"""

import contextlib
import dis
import functools
import inspect
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Tensor, nn

LIBRARIES = sys.stdlib_module_names | {
    "torch",
    "numpy",
    "lightning",
    "lightning_fabric",
    "pytorch_lightning",
    "torchmetrics",
    "einops",
    "einx",
    "loguru",
    "_pytest",
}
"""Packages whose functions and records name no weights; a trainer names more than the model.

So does einx, which keeps all that it has compiled; and pytest, whose part in every ``assert`` of a
test leads to what all other tests hold."""
CONTAINERS = (list, tuple, set, frozenset, dict, types.SimpleNamespace)
LONGEST = 4096
"""A longer list holds data, not modules."""
FLAT = (str, bytes, int, float, complex, bool, type(None), Tensor, type)


def reachable_modules(*roots: Any) -> tuple[nn.Module, ...]:
    """The modules that some functions, records or modules reach, outermost ones only.

    Args:
        roots: functions, bound methods, modules, priors and whatever else may hold one; None is
            passed over.

    Returns:
        Each once, in the order in which they are met; none is a child of another.

    Example:
        >>> import torch
        >>> encoder, decoder = nn.Linear(4, 2), nn.Linear(2, 4)
        >>> encode = functools.partial(encoder.forward)
        >>> reachable_modules(encode, decoder.forward) == (encoder, decoder)
        True
    """
    found = reachable(*roots)
    inner = {id(child) for module in found for child in module.modules() if child is not module}
    return tuple(module for module in found if id(module) not in inner)


def reachable(*roots: Any) -> list[nn.Module]:
    """Every module that is reached, inner ones too; each once.

    Args:
        roots: to begin with.
    """
    found: list[nn.Module] = []
    seen, alive = set(), []
    ahead: list[tuple[Any, Any]] = [(root, None) for root in reversed(roots)]
    while ahead:
        thing, owner = ahead.pop()
        mark = (id(thing), id(owner))
        if mark in seen:
            continue
        seen.add(mark)
        alive.append(thing)  # an id is a mark only as long as nothing else can have it
        if isinstance(thing, nn.Module) and owner is None:
            found.append(thing)
        ahead += reversed(list(within(thing, owner)))
    return found


def within(thing: Any, owner: Any) -> Iterator[tuple[Any, Any]]:
    """What is one step from something, each with the object whose method it is, if it is one."""
    if isinstance(thing, FLAT):
        return
    if isinstance(thing, types.MethodType):
        yield thing.__self__, None
        yield thing.__func__, thing.__self__
    elif isinstance(thing, types.FunctionType):
        yield from of_function(thing, owner)
    elif isinstance(thing, functools.partial):
        yield from ((part, None) for part in (thing.func, thing.args, thing.keywords))
    elif isinstance(thing, CONTAINERS):
        yield from ((item, None) for item in items(thing))
    elif isinstance(thing, nn.Module):
        yield from of_module(thing)
    elif not isinstance(thing, types.ModuleType) and not from_library(type(thing)):
        yield from ((value, None) for value in attributes(thing))
        yield from methods(thing, ["__call__"])
    elif hasattr(thing, "__wrapped__"):  # functools.lru_cache
        yield thing.__wrapped__, owner


def of_function(function: types.FunctionType, owner: Any) -> Iterator[tuple[Any, Any]]:
    """What a function of Python holds and names."""
    if from_library(function):
        return
    names, attributes_named = named(function.__code__)
    held = [*closed_over(function), *named_globals(function, names, attributes_named)]
    yield from ((value, None) for value in held)
    for value in held if owner is None else [owner, *held]:
        for part in value.modules() if isinstance(value, nn.Module) else [value]:
            if not isinstance(part, FLAT) and not from_library(type(part)):
                yield from methods(part, attributes_named)


def closed_over(function: types.FunctionType) -> Iterator[Any]:
    """What a function has in its closure, as defaults and as attributes."""
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # of a variable that was never set
            yield cell.cell_contents
    yield from (function.__defaults__, function.__kwdefaults__, vars(function))


def named_globals(
    function: types.FunctionType, names: Sequence[str], attributes_named: Sequence[str]
) -> Iterator[Any]:
    """The globals that a function names; of a Python module, what it names in there.

    The functions of genprobe itself name no weights.
    """
    if root_of(function) == "genprobe":
        return
    for name in names:
        value = function.__globals__.get(name)
        if not isinstance(value, types.ModuleType):
            yield value
        elif value.__name__.partition(".")[0] not in LIBRARIES:
            inside = vars(value)
            yield from (inside[a] for a in attributes_named if a in inside)


def of_module(module: nn.Module) -> Iterator[tuple[Any, Any]]:
    """What a torch module holds beside its parameters, and what its forward names."""
    for child in module.modules():
        if from_library(type(child)):
            continue
        yield from methods(child, ["forward"])
        held = {k: v for k, v in vars(child).items() if k not in ("_parameters", "_buffers")}
        yield from ((value, None) for value in held.values() if not isinstance(value, Tensor))


def methods(owner: Any, names: Sequence[str]) -> Iterator[tuple[Any, Any]]:
    """The methods and properties of an object that have one of these names."""
    for name in names:
        value = inspect.getattr_static(type(owner), name, None)
        if isinstance(value, property | functools.cached_property):
            value = value.fget if isinstance(value, property) else value.func
        if isinstance(value, staticmethod | classmethod):
            value = value.__func__
        if isinstance(value, types.FunctionType):
            yield value, owner


def named(code: types.CodeType) -> tuple[list[str], list[str]]:
    """The globals and the attributes that code names, functions within it included."""
    names, attributes_named = [], []
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            names.append(step.argval)
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"):
            attributes_named.append(step.argval)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            more, attributes_more = named(constant)
            names += more
            attributes_named += attributes_more
    return names, attributes_named


def from_library(part: Callable[..., Any] | type) -> bool:
    """Whether a function or a class comes with Python, torch or numpy."""
    return root_of(part) in LIBRARIES


def root_of(part: Callable[..., Any] | type) -> str:
    """The package that a function or a class comes with."""
    return (getattr(part, "__module__", None) or "").partition(".")[0]


def items(container: Any) -> Sequence[Any]:
    """What a container holds, unless it is so long that it must be data."""
    if isinstance(container, types.SimpleNamespace):
        return list(vars(container).values())
    if len(container) > LONGEST:
        return []
    return list(container.values() if isinstance(container, dict) else container)


def attributes(thing: Any) -> list[Any]:
    """The values of an object's own attributes, in a dictionary or in slots."""
    slots = [
        name
        for kind in type(thing).__mro__
        for name, value in vars(kind).items()
        if isinstance(value, types.MemberDescriptorType)
    ]
    found = [getattr(thing, name) for name in slots if hasattr(thing, name)]
    return [*getattr(thing, "__dict__", {}).values(), *found]
