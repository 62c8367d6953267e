"""A comparison of a single report, which takes neither its store nor torch."""

from collections.abc import Collection

from genprobe.analysis.regimes import DEFAULT_CUTS, Cuts
from genprobe.comparing.comparison import Comparison
from genprobe.comparing.frontier import on_the_plane
from genprobe.comparing.model_names import model_names
from genprobe.report import OWN, Report


def alone(report: Report, cuts: Cuts = DEFAULT_CUTS) -> Comparison:
    """What ``compare`` makes of one report.

    Args:
        report: whose regime was read by the same thresholds.
        cuts: thresholds of the regimes.
    """
    [name] = model_names([report.model], [str(report.provenance.get("store") or "")])
    entropy = report.regime.entropy
    front, lower = on_the_plane([report])
    return Comparison(
        reports=(report,),
        names=(name,),
        entropy=entropy,
        entropy_source=None if entropy is None else source_of(report, name),
        best=name if "elbo" in report.estimates else "",
        frontier=front,
        hull=lower,
        reference=None,
        differences=(),
        comparisons=0,
        same_measure=True,
        side_by_side=False,
        sort=default_sort(report.estimates.keys()),
        cuts=cuts,
    )


def default_sort(known: Collection[str]) -> str:
    """What models are ordered by unless something is asked for; deterministic codes have no rate.

    Args:
        known: estimates that some model has, and that compare.
    """
    return next((name for name in ("elbo", "rate", "distortion") if name in known), "name")


def source_of(report: Report, name: str) -> str:
    """Where a report's bound comes from, in words that hold beside other models."""
    source = report.regime.entropy_source or ""
    mine = source.removeprefix(OWN)
    return source if mine == source else f"{mine} of {name}"
