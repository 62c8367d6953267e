"""Loaders of checkpoints, one kind a file. Nothing in a file runs unless the user trusts it."""
