"""How a run goes: progress, seeds, processes and ranks."""

from genprobe.runtime.seeds import derived_seed, generator

__all__ = [
    "derived_seed",
    "generator",
]
