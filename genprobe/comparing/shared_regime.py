"""The regime of a model under the bound Ĥ that it shares with others.

A report has one regime probability. It is worked out again only where the shared bound or the cuts
are others than the report's own, and from the same bootstrap of the same examples wherever the
store is at hand. Where the bound is the R + D of one of the models, these examples are resampled
in it too. Only without a store are replicates drawn from the standard errors.
"""

import contextlib
import dataclasses

from jaxtyping import Float64
from torch import Tensor

from genprobe.aggregate.distinct import distinct_examples
from genprobe.analysis.diffuses import diffuses
from genprobe.analysis.options import Options
from genprobe.analysis.regimes import Cuts, Entropy, place, undetermined
from genprobe.analysis.replicates import (
    bound_of_examples,
    is_mean,
    normal_replicates,
    normal_slopes,
    resampled_points,
    resampled_slopes,
)
from genprobe.analysis.stored_quantities import quantities_of, stored_parts
from genprobe.errors import GenprobeError
from genprobe.estimators.quantities import Quantities
from genprobe.report import OWN, Report

NEEDED = {"rate", "distortion", "elbo"}
OLDER_CUTS = Cuts(semantic_slope=1.0)
"""The default ones of versions whose semantic models had no knee."""
NOTHING_AT_HAND = "its store is not at hand, and so few examples state no errors over the data"

Replicates = tuple[
    Float64[Tensor, "replicate 3"] | None,
    Float64[Tensor, " replicate"] | None,
]


def replace_regime(report: Report, entropy: Entropy | None, cuts: Cuts) -> Report:
    """The report with its regime under a shared bound; its own where that is the shared one.

    A model that has no position of its own has none under the bound of others: its slope places it.

    Args:
        report: of one of the models.
        entropy: the bound that all share; None where nothing is shared.
        cuts: thresholds of all.
    """
    own = report.regime.entropy
    source = report.regime.entropy_source or ""
    bound = None if own is None else entropy or Entropy(value=own, source=source)
    same = bound is None or bound.value == own
    if diffuses(report):  # which has no regime under any bound
        return report
    if not report.estimates.keys() >= NEEDED or (same and cuts_of(report) == cuts):
        return report
    found = replicates_of(report, bound)
    if found is None:
        regime = undetermined(bound, NOTHING_AT_HAND)
    else:
        regime = place(
            report["rate"],
            report["distortion"],
            report.estimates.get("slope"),
            bound,
            *found,
            cuts,
            n=report.provenance.get("distinct_examples", report.n),
        )
    facts = {**report.provenance, "regime_cuts": dataclasses.asdict(cuts)}
    return dataclasses.replace(report, regime=regime, provenance=facts)


def cuts_of(report: Report) -> Cuts | None:
    """The thresholds that a report's own regime was read by; None where nothing says."""
    facts = report.provenance
    if "regime_cuts" in facts:
        with contextlib.suppress(GenprobeError):  # ends of the knee that older versions admitted
            return Cuts(**facts["regime_cuts"])
        return None
    # Older versions wrote down only thresholds that were given, or only that some were.
    return None if "cuts" in facts.get("asked", {}) else OLDER_CUTS


def replicates_of(report: Report, entropy: Entropy | None) -> Replicates | None:
    """Replicates of (R, D, Ĥ), nats, and of the slope: of the examples, else of the errors.

    None where neither are at hand: a report of few examples states no errors over the data.

    Args:
        report: of the model.
        entropy: the bound that all share; None where the model has no position.
    """
    try:
        found = resampled(report, entropy)
    except GenprobeError:  # a prior or a part that nothing can rebuild
        found = None
    if found is not None:
        return found
    if any(report[name].se_data is None for name in NEEDED):
        return None
    slope = report.estimates.get("slope")
    slopes = None if slope is None else normal_slopes(slope)
    if entropy is None:
        return None, slopes
    points = normal_replicates(
        report["rate"],
        report["distortion"],
        report["elbo"],
        entropy,
        own=has_own_bound(report) and entropy.value == report.regime.entropy,
    )
    return points, slopes


def has_own_bound(report: Report) -> bool:
    """Whether the bound in a report comes from the model itself."""
    return (report.regime.entropy_source or "").startswith(OWN)


def resampled(report: Report, entropy: Entropy | None) -> Replicates | None:
    """Replicates from the examples in a store; None without, or if it holds others.

    Raises:
        GenprobeError: if the report's prior or another part cannot be rebuilt.
    """
    quantities = stored_quantities(report)
    if quantities is None:
        return None
    slopes = resampled_slopes(quantities) if "slope" in report.estimates else None
    if entropy is None:
        return None, slopes
    if entropy.value == report.regime.entropy:
        entropy = dataclasses.replace(entropy, each=own_bound(report, quantities))
    return resampled_points(quantities, entropy), slopes


def stored_quantities(report: Report) -> Quantities | None:
    """The quantities that a report was made from; None without its store, or if it holds others.

    Raises:
        GenprobeError: if the report's prior or another part cannot be rebuilt.
    """
    store = report.store
    if store is None:
        return None
    named = report.provenance.get("prior", store.header.prior)
    options = Options(
        prior=None if named == store.header.prior else named,
        bin_width=report.provenance.get("bin_width"),
    )
    if not {"rate", "distortion"} <= report.estimates.keys():  # of a model without an encoder
        return None
    quantities = quantities_of(
        store, stored_parts(store, options), options, distinct=distinct_examples(store)
    )
    means = {"rate": quantities.rate, "distortion": quantities.distortion}
    mine = all(is_mean(v, report[name].value) for name, v in means.items())
    return quantities if mine else None


def own_bound(report: Report, quantities: Quantities) -> Float64[Tensor, " n"] | None:
    """What of every example the bound in a report is the mean of; None if it is not its own."""
    bound = report.regime.entropy
    return bound_of_examples(quantities, bound) if bound and has_own_bound(report) else None


def with_examples(entropy: Entropy, report: Report) -> Entropy:
    """A bound with what of every example it is the mean of, as far as its model's store is at hand.

    Args:
        entropy: the bound.
        report: whose bound it is.
    """
    with contextlib.suppress(GenprobeError):
        quantities = stored_quantities(report)
        if quantities is not None:
            return dataclasses.replace(entropy, each=own_bound(report, quantities))
    return entropy
