"""Finding the own parts of genprobe: each folder lists its own, imported on first use."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def parts_in(folder: str) -> dict[str, Any]:
    """The parts that a folder lists, by the names of their files."""
    files = import_module(f"genprobe.{folder}").PARTS
    return {file: getattr(import_module(f"genprobe.{folder}.{file}"), file) for file in files}


def built_in(kind: str, name: str) -> Any:
    """One of genprobe's own ways to show a result, imported on first use.

    Records show themselves with it, so that results need not import their renderers.

    Args:
        kind: ``renderers`` or ``views``.
        name: under which ``genprobe.render`` lists it.
    """
    places: Mapping[str, str] = getattr(import_module("genprobe.render"), kind.upper())
    file, _, function = places[name].partition(":")
    return getattr(import_module(f"genprobe.render.{file}"), function)
