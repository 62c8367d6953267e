"""Loaders of checkpoints, one kind a file. Nothing in a file runs unless the user trusts it."""

from genprobe.loaders.inspect import inspect_file
from genprobe.loaders.program import read_program
from genprobe.loaders.recorded import record
from genprobe.loaders.rows import Rows, h5_rows
from genprobe.loaders.tensors import read_tensors
from genprobe.runtime.checked_zip import require_intact
from genprobe.runtime.hdf5 import require_harmless
from genprobe.runtime.untrusted import reading, require_readable

__all__ = [
    "PARTS",
    "Rows",
    "h5_rows",
    "inspect_file",
    "read_program",
    "read_tensors",
    "reading",
    "record",
    "require_harmless",
    "require_intact",
    "require_readable",
]

PARTS = (
    "bundle",
    "exported",
    "torchscript",
    "posteriors",
)
"""The files of the registered parts; each has its part under its own name."""
