"""Loaders of checkpoints, one kind a file. Nothing in a file runs unless the user trusts it."""

PARTS = (
    "bundle",
    "exported",
    "torchscript",
    "posteriors",
)
"""The files of the registered parts; each has its part under its own name."""
