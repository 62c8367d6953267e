"""Probes: numbers per example that need the model, one a file, computed while encoding.

A probe is a function whose parameter names are what it needs, out of PROBE_INPUTS. It returns a
float tensor (draw, batch), or (1, batch) where draws do not enter; it is stored under its name. An
expensive one asks for ``chosen`` and returns numbers of these examples alone. Where it does not
apply it returns None, or raises ``UnavailableError`` to say why.
"""

from genprobe.encoding.calls import Calls
from genprobe.encoding.probe_inputs import PROBE_INPUTS
from genprobe.encoding.probe_settings import with_settings

__all__ = ["PROBE_INPUTS", "Calls", "with_settings"]

PARTS = (
    "rate",
    "distortion",
    "unit_distortion",
    "rate_slope",
    "distortion_slope",
    "generative_information",
    "level_distortion",
    "logits_as_probs",
    "probs_rounding",
    "decoder_scale",
)
"""The files of the registered parts; each has its part under its own name."""
