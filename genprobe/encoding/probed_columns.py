"""What the probes say of a segment, and what becomes of one that fails."""

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from genprobe.encoding.lending import lent
from genprobe.encoding.probe_inputs import PROBE_INPUTS
from genprobe.encoding.probe_settings import settings_notice
from genprobe.encoding.probed import absence_code, failure_code
from genprobe.encoding.user_errors import memory_errors
from genprobe.errors import GenprobeError, Notice, PluginError, UnavailableError, reason_of
from genprobe.runtime.memory import out_of_memory

log = logging.getLogger("genprobe")

ESSENTIAL = ("rate", "distortion", "unit_distortion")
"""Probes without whose numbers there is no report."""

Probe = Callable[..., Tensor | None]
"""See genprobe.probes for the names its parameters may have."""


def require_known(name: str, probe: Probe) -> None:
    """Check that a probe asks only for what is at hand while encoding.

    Raises:
        PluginError: naming what is not, and listing what is.
    """
    unknown = inspect.signature(probe).parameters.keys() - PROBE_INPUTS.keys()
    if unknown:
        raise PluginError(
            f"The probe {name} asks for {', '.join(sorted(unknown))}, which is not at hand.",
            f"A probe can have {', '.join(PROBE_INPUTS)}.",
        )


def probed_columns(
    given: Mapping[str, Any], probes: Mapping[str, Probe]
) -> tuple[dict[str, Tensor], list[Notice]]:
    """What the probes say of a segment, by path in the store: of every example, or of the subset.

    Where no example of the subset is in the segment, there is nothing to ask of it. A probe that
    fails costs its own numbers, of which a notice tells, unless there is no report without them.
    Other notices have the settings of those that gave numbers.
    """
    arrays: dict[str, Tensor] = {}
    said: list[Notice] = []
    for name, probe in probes.items():
        wanted = inspect.signature(probe).parameters
        of_subset = "chosen" in wanted
        if of_subset and not len(given["chosen"]):
            continue
        try:
            with memory_errors(f"The probe {name}", given["x"].shape):
                values = probe(**{k: lent(given[k], probe) for k in wanted})
            if values is not None:
                require_length(values, len(given["chosen"]) if of_subset else len(given["x"]))
                arrays[f"{'subset' if of_subset else 'probes'}/{name}"] = values.detach().cpu()
                said += filter(None, [settings_notice(name, probe)])
        except Exception as error:
            if name in ESSENTIAL or not own_fault(error):
                raise
            said.append(probe_failed(name, error))
            log.debug("%s", said[-1].message, exc_info=error)
    return arrays, said


def require_length(values: Tensor, count: int) -> None:
    """Check that a probe returned a number of every example it was asked about.

    Raises:
        ValueError: if it did not.
    """
    if values.dim() < 1 or values.shape[-1] != count:
        raise ValueError(f"it returns the shape {tuple(values.shape)} for {count} examples")


def own_fault(error: Exception) -> bool:
    """Whether a probe or the model is to blame: not the device, nor the memory."""
    cause = error.__cause__ or error
    return not (isinstance(cause, torch.AcceleratorError) or out_of_memory(cause))


def probe_failed(name: str, error: Exception) -> Notice:
    """That a probe failed, and how; or only why it does not apply, where nothing is at fault."""
    if isinstance(error, UnavailableError) and not error.remedy:
        return Notice(code=absence_code(name), message=error.what, remedy="")
    said = reason_of(error) if isinstance(error, GenprobeError) else f"it fails: {reason_of(error)}"
    return Notice(
        code=failure_code(name),
        message=f"No {name.replace('_', ' ')}: {said}.",
        remedy=getattr(error, "remedy", "") or "The other rows stand without it.",
    )
