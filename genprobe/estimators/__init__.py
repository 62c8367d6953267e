"""Estimators: pure functions of quantities to an Estimate, one a file.

An estimator's parameter names say what it needs, out of the properties of
``genprobe.estimators.quantities.Quantities``, or of the probes; its own name is the estimate's. It
is registered in ``genprobe.estimators.catalog``, with what the tables say of it.
"""

from genprobe.estimators.catalog import ESTIMATORS
from genprobe.estimators.standard_error import mean_over_examples

__all__ = ["PARTS", "mean_over_examples"]

PARTS = tuple(ESTIMATORS)
"""The files of the registered parts; each has its part under its own name."""
