"""Estimators: pure functions of quantities to an Estimate, one a file.

An estimator's parameter names say what it needs, out of the properties of
``genprobe.estimators.quantities.Quantities``, or of the probes; its own name is the estimate's. It
is registered in ``genprobe.estimators.catalog``, with what the tables say of it.
"""

from typing import TYPE_CHECKING, Any

from genprobe.estimators.catalog import ESTIMATORS

if TYPE_CHECKING:
    from genprobe.estimators.standard_error import mean_over_examples

__all__ = ["PARTS", "mean_over_examples"]

PARTS = tuple(ESTIMATORS)
"""The files of the registered parts; each has its part under its own name."""


def __getattr__(name: str) -> Any:
    """The mean, which needs torch: what only says what a row is need not wait for it."""
    if name == "mean_over_examples":
        from genprobe.estimators import standard_error

        return standard_error.mean_over_examples
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
