"""Data sets, one kind a file."""

PARTS = (
    "digits",
    "idx",
    "arrays",
)
"""The files of the registered parts; each has its part under its own name."""
