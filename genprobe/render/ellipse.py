"""The 95 % ellipse of (R, D), the examples taken as a sample, whatever it is drawn with."""

import numpy as np
from jaxtyping import Float64

from genprobe.analysis.covariance import covariance
from genprobe.report import Report

CERTAIN = 2.447746830680816
"""Standard errors to the edge of an ellipse that holds 95 %: the root of −2 ln 0.05."""
CORNERS = 72
"""So many that no side is farther from the ellipse than a thousandth of its size."""


def ellipse(report: Report) -> Float64[np.ndarray, "corner 2"] | None:
    """The corners of the ellipse in order, (R, D) in nats; None where an error is not known.

    The means of many examples are normal, so it holds R and D of the population with 95 %. Where a
    model's rate is certain, as that of a collapsed one, it is a line.

    Args:
        report: of a model.
    """
    needed = [report.estimates.get(name) for name in ("rate", "distortion", "elbo")]
    known = [e for e in needed if e is not None and e.se_data is not None]
    if len(known) < len(needed):
        return None
    rate, distortion, elbo = known
    variances, axes = np.linalg.eigh(np.array(covariance(rate, distortion, elbo)))
    if variances[-1] <= 0:
        return None
    halves = CERTAIN * np.sqrt(np.maximum(variances, 0.0))
    turns = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    circle = np.stack([np.cos(turns), np.sin(turns)], 1)
    middle = np.array([rate.value, distortion.value])
    corners: Float64[np.ndarray, "corner 2"] = middle + circle @ (axes * halves).T
    return corners
