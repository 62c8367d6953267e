"""Data sets, one kind a file."""

from genprobe.datasets.find import find_file
from genprobe.datasets.from_array import array_dataset

__all__ = [
    "PARTS",
    "array_dataset",
    "find_file",
]

PARTS = (
    "digits",
    "idx",
    "arrays",
    "image_folder",
)
"""The files of the registered parts; each has its part under its own name."""
