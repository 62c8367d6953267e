"""Normalizing flows of zuko in genprobe: as posteriors, as learned priors, as fitted marginals.

Nothing here imports zuko until a flow is used: it turns off the argument checks of every torch
distribution of the process.
"""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from genprobe import hookimpl

if TYPE_CHECKING:
    from genprobe import PriorFactory
    from genprobe_zuko.posterior import flow_posterior as flow_posterior
    from genprobe_zuko.prior import flow_prior as flow_prior

__all__ = ["flow_posterior", "flow_prior"]

MODULES = {"flow_posterior": "posterior", "flow_prior": "prior"}


def __getattr__(name: str) -> Any:
    """The functions for users, imported when they are asked for: they need torch."""
    if name in MODULES:
        return getattr(import_module(f"genprobe_zuko.{MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@hookimpl
def genprobe_priors() -> "Sequence[PriorFactory]":
    """One more candidate among the fitted marginals."""
    from genprobe_zuko.spline_flow import spline_flow

    return [spline_flow]
