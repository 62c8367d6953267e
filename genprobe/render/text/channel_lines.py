"""The channels of a latent with places in a few lines, the first of which is ready to be pasted."""

from genprobe.analysis.advice import error_of
from genprobe.analysis.rounding import with_error
from genprobe.report import Estimate, Report
from genprobe.report.channels import Channel

LISTED = 4
"""Channels that are listed one by one; of more the extremes are."""


def channel_lines(report: Report) -> list[str]:
    """The channels in up to four lines; none where the latent has no places."""
    channels = report.channels
    if not channels:
        return []
    moments = [spread(channels, name) for name in ("std", "mean")]
    return [*factor_lines(report), *moments, rates(report)]


def factor_lines(report: Report) -> list[str]:
    """What a config of a generator takes, in a line; none where the latent has no places."""
    names = ("scaling_factor", "shift_factor")
    said = [f"{k} {in_short(report.estimates[k])}" for k in names if k in report.estimates]
    return [", ".join(said)] if report.channels and said else []


def in_short(estimate: Estimate) -> str:
    """An estimate with its error."""
    return with_error(estimate.value, error_of(estimate), 3)


def spread(channels: tuple[Channel, ...], name: str) -> str:
    """A moment of each channel, or of those that have least and most of it.

    Args:
        channels: of the latent.
        name: ``mean`` or ``std``.
    """
    estimates: list[Estimate] = [getattr(channel, name) for channel in channels]
    if len(estimates) <= LISTED:
        return f"{name} by channel {', '.join(in_short(e) for e in estimates)}"
    order = sorted(range(len(estimates)), key=lambda c: estimates[c].value)
    low, high = order[0], order[-1]
    return (
        f"{name} from {in_short(estimates[low])} (channel {low}) to {in_short(estimates[high])} "
        f"(channel {high})"
    )


def rates(report: Report) -> str:
    """The shape, which channels carry the rate, and how the power falls with frequency."""
    parts = [] if report.grid is None else [" × ".join(map(str, report.grid.shape))]
    known = [(c, channel.rate.value) for c, channel in enumerate(report.channels) if channel.rate]
    whole = sum(value for _, value in known)
    if len(known) > 1 and whole > 0:
        known.sort(key=lambda each: -each[1])
        shares = [f"{100 * value / whole:.0f} % in {c}" for c, value in known[:LISTED]]
        parts.append(f"rate {', '.join(shares)}")
    slope = report.estimates.get("spectrum_slope")
    if slope is not None:
        parts.append(f"spectrum slope {in_short(slope)}")
    return "; ".join(parts)
