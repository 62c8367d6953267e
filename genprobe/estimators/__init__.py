"""Estimators: pure functions of quantities to an Estimate, one a file.

An estimator's parameter names say what it needs, out of the properties of
``genprobe.estimators.quantities.Quantities``; its own name is the estimate's.
"""
