"""Calling estimators: each gets the quantities and probes that its parameters name."""

import dataclasses
import difflib
import inspect
import logging
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

import torch

from genprobe.errors import (
    GenprobeError,
    Notice,
    PluginError,
    UnavailableError,
    UsageError,
    reason_of,
)
from genprobe.estimators.quantities import QUANTITIES, Quantities
from genprobe.estimators.stored_probe import stored_probe
from genprobe.plugins import plugins
from genprobe.report import FAILED, UNAVAILABLE, Estimate
from genprobe.runtime.memory import out_of_memory

log = logging.getLogger("genprobe")

MEND = "Mend the plugin, or leave it out: GENPROBE_PLUGINS=NAME,… loads only those named."
OVERFLOW = "The other rows stand. Look for examples or parameters that are extremely large."

NO_ENCODER = "The model has no encoder"
"""Why every number that rests on one is absent."""
OF_DECODER = frozenset({"n", "which", "which_probed", "blind", "log_weight", "annealing"})
"""Quantities of decoder, prior and data alone, which a model without an encoder has."""
OF_STATES = frozenset({"n", "which", "rate", "rate_analytic", "distortion", "blind"})
"""Quantities that a diffusion model has, of whose states nothing is kept."""
NO_CODES = "The states of a diffusion model are no code that is kept: of them there are rates"
"""Why every other number of one is absent."""
OF_ALL_LEVELS = frozenset(
    {"n", "which", "which_probed", "rate", "rate_analytic", "distortion", "log_weight", "blind"}
    | {"rate_slope", "distortion_slope", "annealing"}
)
"""Quantities of all levels of a chain, or of the data. Whatever else there is is of the code that
is stored, its first level: an estimator that asks for any of it is given that level's rate too."""
OF_CODE = {"rate": "code_rate", "rate_analytic": "code_rate_analytic"}
"""What such an estimator is given of these quantities."""
GAPS = frozenset({"inference_gap", "amortization_gap", "approximation_gap"})
"""Estimators of what an encoder loses, of which annealing alone says nothing."""

Estimator: TypeAlias = Callable[..., Estimate]
"""A function whose parameters are named as the quantities, or the probes, that it needs."""


def estimators_by_name(given: Any) -> Mapping[str, Estimator]:
    """Estimators by name: as they are given, or those that are registered under some names.

    Raises:
        UsageError: if they are neither.
        PluginError: if no plugin provides one of the names, or several do.

    Example:
        >>> list(estimators_by_name(["rate", "elbo"]))
        ['rate', 'elbo']
    """
    if isinstance(given, Mapping):
        if all(map(callable, given.values())):
            return given
    elif isinstance(given, Collection) and all(isinstance(name, str) for name in given):
        names = [given] if isinstance(given, str) else given
        return {name: plugins().get("estimators", name) for name in names}
    raise UsageError(
        "estimators must be names, or functions by name.",
        'Such as estimators=["rate", "elbo"] or estimators={"mine": function}.',
    )


def require_known(name: str, estimator: Estimator) -> None:
    """Check that an estimator asks only for quantities that exist, or for probes.

    Raises:
        PluginError: naming the unknown one and listing those there are.
    """
    unknown = inspect.signature(estimator).parameters.keys() - QUANTITIES.keys()
    if unknown and (unknown := unknown - plugins().all("probes").keys()):
        near = difflib.get_close_matches(min(unknown), QUANTITIES, 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise PluginError(
            f"The estimator {name} asks for {', '.join(sorted(unknown))}, which is not a quantity.",
            f"{hint}The quantities are {', '.join(QUANTITIES)}.",
        )


def estimate(
    estimators: Mapping[str, Estimator], quantities: Quantities
) -> tuple[dict[str, Estimate], dict[str, str], list[Notice]]:
    """Every estimate that exists for this store, and why the others do not.

    An estimator that fails, or gives a number that is not finite, is set aside: no row takes the
    others' numbers with it.

    Args:
        estimators: by name.
        quantities: of the store.

    Returns:
        Estimates by name, reasons by the name of each that is missing, and a notice of each that
        failed or is missing for a fault.
    """
    found: dict[str, Estimate] = {}
    absent: dict[str, str] = {}
    failed: list[Notice] = []
    for name, estimator in estimators.items():
        try:
            require_known(name, estimator)
            if name in GAPS and not quantities.header.encoder:
                raise UnavailableError(f"{NO_ENCODER}.")
            found[name] = require_finite(name, call(estimator, quantities))
        except UnavailableError as error:
            absent[name] = error.what
            notice = Notice(code=UNAVAILABLE, message=error.what, remedy=error.remedy)
            if error.remedy and notice not in failed:
                failed.append(notice)
        except Exception as error:
            if not own_fault(error):
                raise
            kind = "" if isinstance(error, GenprobeError) else f"{type(error).__name__}: "
            absent[name] = f"The estimator {name} failed: {kind}{reason_of(error)}."
            failed.append(Notice(code=FAILED, message=absent[name], remedy=MEND))
            log.debug("%s", absent[name], exc_info=error)
    return found, absent, failed


def own_fault(error: Exception) -> bool:
    """Whether an estimator is to blame: not the store, the data, the device or the memory."""
    if isinstance(error, GenprobeError):
        return isinstance(error, PluginError)
    return not (isinstance(error, torch.AcceleratorError) or out_of_memory(error))


def call(estimator: Estimator, quantities: Quantities) -> Estimate:
    """An estimator's estimate. A parameter with a default keeps it where there is no quantity.

    Raises:
        UnavailableError: if there is nothing to estimate.
        PluginError: if it fails otherwise with an error of genprobe's.
        TypeError: if it returns anything else.
    """
    needed = {}
    parameters = inspect.signature(estimator).parameters
    of_code = {} if parameters.keys() <= OF_ALL_LEVELS else OF_CODE
    for name, parameter in parameters.items():
        try:
            if name not in OF_DECODER and not quantities.header.encoder:
                raise UnavailableError(f"{NO_ENCODER}.")
            if name not in OF_STATES and quantities.header.diffusion is not None:
                raise UnavailableError(f"{NO_CODES}.")
            quantity = of_code.get(name, name)
            needed[name] = (
                getattr(quantities, quantity)
                if name in QUANTITIES
                else stored_probe(quantities.store, name)
            )
        except UnavailableError:
            if parameter.default is parameter.empty:
                raise
    try:
        found = estimator(**needed)
    except UnavailableError:
        raise
    except GenprobeError as error:  # the quantities are there: it is the estimator's own
        raise PluginError(error.what, error.remedy) from error
    if not isinstance(found, Estimate):
        raise TypeError(f"it returns a {type(found).__name__}, not a genprobe.Estimate")
    return found


def require_finite(name: str, estimate: Estimate) -> Estimate:
    """The estimate, without an error that is not finite.

    Args:
        name: of the estimator.
        estimate: that it gave.

    Raises:
        UnavailableError: if the value is not finite.

    >>> odd = Estimate(name="odd", value=1.0, se=math.inf, se_data=0.1, kind="estimate")
    >>> require_finite("odd", odd).se is None, require_finite("odd", odd).se_data
    (True, 0.1)
    """
    if not math.isfinite(estimate.value):
        raise UnavailableError(f"No {name}: it comes out as {estimate.value:g}.", OVERFLOW)
    se, se_data = finite_or_none(estimate.se), finite_or_none(estimate.se_data)
    if (se, se_data) == (estimate.se, estimate.se_data):
        return estimate
    remark = "; ".join(filter(None, (estimate.remark, "an error of it is not finite")))
    return dataclasses.replace(estimate, se=se, se_data=se_data, remark=remark)


def finite_or_none(error: float | None) -> float | None:
    """The error, or None where it is not finite."""
    return None if error is None or not math.isfinite(error) else error
