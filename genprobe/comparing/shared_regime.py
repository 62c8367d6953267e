"""The regime of a model under the bound Ĥ that it shares with others.

A report has one regime probability. It is worked out again only where the shared bound or the cuts
are others than the report's own, and from the same bootstrap of the same examples wherever the
store is at hand. Only without it are replicates drawn from the standard errors.
"""

import dataclasses
import math

from jaxtyping import Float64
from torch import Tensor

from genprobe.analysis.options import Options
from genprobe.analysis.regimes import DEFAULT_CUTS, Cuts, Entropy, place
from genprobe.analysis.replicates import (
    normal_replicates,
    normal_slopes,
    resampled_points,
    resampled_slopes,
)
from genprobe.analysis.stored_quantities import quantities_of, stored_parts
from genprobe.errors import GenprobeError
from genprobe.report import Report
from genprobe.store.read import Store

ROUNDING = 1e-9
NEEDED = {"rate", "distortion", "elbo"}

Replicates = tuple[Float64[Tensor, "replicate 2"], Float64[Tensor, " replicate"] | None]


def replace_regime(report: Report, entropy: Entropy | None, cuts: Cuts) -> Report:
    """The report with its regime under a shared bound; its own where that is the shared one.

    Args:
        report: of one of the models.
        entropy: the bound that all share; None where nothing is shared.
        cuts: thresholds of all.
    """
    own = report.regime.entropy
    if entropy is None or own is None or not report.estimates.keys() >= NEEDED:
        return report
    if entropy.value == own and cuts_of(report) == cuts:
        return report
    points, slopes = replicates_of(report)
    regime = place(
        report["rate"],
        report["distortion"],
        report.estimates.get("slope"),
        entropy,
        points,
        slopes,
        cuts,
    )
    return dataclasses.replace(report, regime=regime)


def cuts_of(report: Report) -> Cuts | None:
    """The thresholds that a report's own regime was read by; None where nothing says."""
    facts = report.provenance
    if "regime_cuts" in facts:
        return Cuts(**facts["regime_cuts"])
    # Reports of versions that did not write the thresholds down say only that some were given.
    return None if "cuts" in facts.get("asked", {}) else DEFAULT_CUTS


def replicates_of(report: Report) -> Replicates:
    """Replicates of (R, D), nats, and of the slope: of the examples, else of the errors."""
    if report.store is not None:
        try:
            found = resampled(report, report.store)
        except GenprobeError:  # a prior or a part that nothing can rebuild
            found = None
        if found is not None:
            return found
    slope = report.estimates.get("slope")
    points = normal_replicates(report["rate"], report["distortion"], report["elbo"])
    return points, None if slope is None else normal_slopes(slope)


def resampled(report: Report, store: Store) -> Replicates | None:
    """Replicates from the examples in a store; None if it holds others than the report's.

    Raises:
        GenprobeError: if the report's prior or another part cannot be rebuilt.
    """
    named = report.provenance.get("prior", store.header.prior)
    options = Options(
        prior=None if named == store.header.prior else named,
        bin_width=report.provenance.get("bin_width"),
    )
    quantities = quantities_of(store, stored_parts(store, options), options)
    points = resampled_points(quantities)
    means = {"rate": quantities.rate, "distortion": quantities.distortion}
    if not all(same(float(v.mean()), report[name].value) for name, v in means.items()):
        return None
    if "slope" not in report.estimates:
        return points, None
    return points, resampled_slopes(quantities)


def same(value: float, stated: float) -> bool:
    """Whether a number is the one that a report states, up to rounding."""
    return math.isclose(value, stated, rel_tol=ROUNDING, abs_tol=ROUNDING)
