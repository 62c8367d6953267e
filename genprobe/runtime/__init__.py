"""How a run goes: progress, seeds, processes, ranks, and files that are others' or results."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genprobe.runtime.seeds import derived_seed, generator

__all__ = ["derived_seed", "generator"]


def __getattr__(name: str) -> Any:
    """The functions of seeds, which need torch: what only reads a file need not wait for it."""
    if name in __all__:
        from genprobe.runtime import seeds

        return getattr(seeds, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
