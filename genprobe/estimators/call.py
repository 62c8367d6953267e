"""Calling estimators: each gets the quantities that its parameters name, or is set aside."""

import difflib
import inspect
import logging
from collections.abc import Callable, Mapping
from typing import TypeAlias

import torch

from genprobe.errors import GenprobeError, PluginError, UnavailableError, reason_of
from genprobe.estimators.quantities import QUANTITIES, Quantities
from genprobe.notice import Notice
from genprobe.report import Estimate
from genprobe.runtime.memory import out_of_memory

log = logging.getLogger("genprobe")

MEND = "Mend the plugin, or leave it out: GENPROBE_PLUGINS=NAME,… loads only those named."

Estimator: TypeAlias = Callable[..., Estimate]
"""A function whose parameters are named as the quantities it needs."""


def require_known(name: str, estimator: Estimator) -> None:
    """Check that an estimator asks only for quantities that exist.

    Raises:
        PluginError: naming the unknown one and listing those there are.
    """
    unknown = inspect.signature(estimator).parameters.keys() - QUANTITIES.keys()
    if unknown:
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

    An estimator that fails is set aside, so that no plugin takes the others' numbers with it.

    Args:
        estimators: by name.
        quantities: of the store.

    Returns:
        Estimates by name, reasons by the name of each that is missing, and a notice of each that
        failed.
    """
    found: dict[str, Estimate] = {}
    absent: dict[str, str] = {}
    failed: list[Notice] = []
    for name, estimator in estimators.items():
        try:
            require_known(name, estimator)
            found[name] = call(estimator, quantities)
        except UnavailableError as error:
            absent[name] = str(error)
        except Exception as error:
            if not own_fault(error):
                raise
            reason = f"{type(error).__name__}: {reason_of(error)}"
            absent[name] = f"The estimator {name} failed: {reason}."
            failed.append(Notice(code="estimator-failed", message=absent[name], remedy=MEND))
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
        TypeError: if it returns anything else.
    """
    needed = {}
    for name, parameter in inspect.signature(estimator).parameters.items():
        try:
            needed[name] = getattr(quantities, name)
        except UnavailableError:
            if parameter.default is parameter.empty:
                raise
    found = estimator(**needed)
    if not isinstance(found, Estimate):
        raise TypeError(f"it returns a {type(found).__name__}, not a genprobe.Estimate")
    return found
