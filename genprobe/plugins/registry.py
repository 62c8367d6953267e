"""Finding the own parts of genprobe: each folder lists its own, imported on first use."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def parts_in(folder: str) -> dict[str, Any]:
    """The parts that a folder lists, by the names of their files."""
    files = import_module(f"genprobe.{folder}").PARTS
    return {file: getattr(import_module(f"genprobe.{folder}.{file}"), file) for file in files}


def built_in(kind: str, name: str, folder: str = "render") -> Any:
    """One of genprobe's own ways to show or to judge a result, imported on first use.

    Records use it of themselves, so that results import neither their renderers nor their judges.

    Args:
        kind: ``renderers``, ``views`` or ``verdicts``.
        name: under which the folder lists it.
        folder: of genprobe.
    """
    places: Mapping[str, str] = getattr(import_module(f"genprobe.{folder}"), kind.upper())
    file, _, function = places[name].partition(":")
    return getattr(import_module(f"genprobe.{folder}.{file}"), function)
