"""The user's own function, by the name MODULE:FUNCTION or FILE.py:FUNCTION."""

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from genprobe.errors import GenprobeError, reason_of
from genprobe.runtime.near_names import hint, nearest


def user_function(name: str, option: str, fault: type[GenprobeError]) -> Any:
    """What a name stands for; the module is installed, in the current folder, or given as its file.

    Args:
        name: ``MODULE:FUNCTION``, with both parts.
        option: in which it was given, as messages have it: ``--factory``.
        fault: the error to raise.

    Raises:
        GenprobeError: if there is no such module or function, or the module fails.

    Example:
        >>> user_function("math:sqrt", "--factory", GenprobeError)(4.0)
        2.0
        >>> user_function("math:sqr", "--factory", GenprobeError)
        Traceback (most recent call last):
            ...
        genprobe.errors.GenprobeError: There is no 'sqr' in math, which --factory names.
        Did you mean math:sqrt?
    """
    place, _, attribute = name.rpartition(":")
    module = import_place(place, option, fault)
    try:
        return getattr(module, attribute)
    except Exception as error:
        near = nearest(attribute, public_names(module))
        own = [k for k in public_names(module) if is_own(module, k)]
        listed = f"It has: {', '.join(own[:6])}." if own else "It has no function of its own."
        raise fault(
            f"There is no {attribute!r} in {place}, which {option} names.",
            f"Did you mean {place}:{near}?" if near else listed,
        ) from error


def import_place(place: str, option: str, fault: type[GenprobeError]) -> ModuleType:
    """The module of that name, or in that file.

    Args:
        place: a name, or a path that ends in ``.py``.
        option: in which it was given.
        fault: the error to raise.

    Raises:
        GenprobeError: if it is not there, fails, or another module has its name.
    """
    file = Path(place).expanduser().resolve() if place.endswith(".py") else None
    if file and not file.is_file():
        raise fault(f"There is no file {place}, which {option} names.", "Check the path.")
    folder, module_name = (str(file.parent), file.stem) if file else (os.getcwd(), place)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise fault(
            f"The module {place} of {option} cannot be imported: {type(error).__name__}: "
            f"{reason_of(error)}.",
            remedy_for(error, module_name),
        ) from error
    found = getattr(module, "__file__", None)
    if file and (found is None or Path(found).resolve() != file):
        raise fault(
            f"{place} of {option} cannot be imported: another module has the name {module_name}.",
            "Give the file another name.",
        )
    return module


def remedy_for(error: Exception, module_name: str) -> str:
    """What to do about a module that cannot be imported."""
    absent = isinstance(error, ModuleNotFoundError) and module_name.startswith(error.name or "\0")
    if not absent:
        return f"Try: python -c 'import {module_name}'"
    here = [path.stem for path in Path().glob("*.py")]
    meant = hint(module_name, here)
    return f"{meant}It must be installed or in the current folder, or be a path: src/vae.py:build."


def public_names(module: ModuleType) -> list[str]:
    """The names in a module that do not begin with an underscore."""
    return [name for name in vars(module) if not name.startswith("_")]


def is_own(module: ModuleType, name: str) -> bool:
    """Whether a module itself defines a function or class of that name."""
    value = getattr(module, name)
    return callable(value) and getattr(value, "__module__", None) == module.__name__
