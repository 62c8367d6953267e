"""What the code tells of a label in a few lines, the first of which says the most."""

from dataclasses import replace

from genprobe.analysis.advice import error_of
from genprobe.analysis.rounding import rounded, with_error
from genprobe.render.text.short_rows import Scale, written
from genprobe.report import Estimate
from genprobe.report.labels import LabelReport, Leak

MOST_DIMENSIONS = 5
"""Informative dimensions that are named."""


def label_lines(label: LabelReport, scale: Scale) -> list[str]:
    """A label in three to five lines.

    Args:
        label: to be shown, its names escaped.
        scale: of the numbers.
    """
    further = [predicted(label, scale), indexed(label, scale), placed(label, scale)]
    return [*short_label_lines(label, scale), *filter(None, further)]


def short_label_lines(label: LabelReport, scale: Scale) -> list[str]:
    """What the code tells of a label, and whether it is a leak: a line each.

    Args:
        label: to be shown, its names escaped.
        scale: of the numbers.
    """
    leak = [] if label.leak is None else [leaked(label, label.leak, scale)]
    return [told(label, scale), *leak]


def told(label: LabelReport, scale: Scale) -> str:
    """The bracket of I(Y;Z), and its share of H(Y)."""
    entropy, lower = label.estimates["label_entropy"], label.estimates["label_information"]
    upper = label.estimates.get("label_information_upper")
    most = f" … {written(upper, scale)}" if upper and upper.value > lower.value else ""
    said = f"{stated(lower, scale)}{most}" if lower.value > 0 else nothing(upper, scale)
    share = label.estimates.get("label_share")
    part = f" ({100 * share.value:.0f} %)" if share and lower.value > 0 else ""
    # H is often known far better than what is told of it: as many digits are enough.
    beside = replace(upper or lower, value=entropy.value)
    whole = f"H = {written(beside, scale)} {scale.unit}"
    return f"{label.name}: {said} of {whole}{part}, {len(label.classes)} classes"


def nothing(upper: Estimate | None, scale: Scale) -> str:
    """That nothing can be shown, and what there may be at most."""
    return "none for sure" + (f", at most {written(upper, scale)}" if upper else "")


def leaked(label: LabelReport, leak: Leak, scale: Scale) -> str:
    """The verdict on a leak, with what the test says.

    Example:
        >>> leak = Leak(lower=0.0, upper=0.02, p_value=0.4, permutations=99, power=0.013)
        >>> entropy = Estimate(name="label_entropy", value=0.5, se=0.0, se_data=None, kind="exact")
        >>> facts = {"classes": ("a", "b"), "n": 9, "missing": 0, "dimensions": ()}
        >>> guess = {"informative": (), "candidate": "", "accuracy": 0.5, "saturated": False}
        >>> batch = LabelReport(name="b", estimates={"label_entropy": entropy}, **facts, **guess)
        >>> leaked(batch, leak, Scale("nats", 1.0, 3))
        'no leak found: at most 0.020 nats (4.0 % of H) at 95 %, p = 0.40'
    """
    entropy = label.estimates["label_entropy"].value

    def nats(value: float) -> str:
        part = f" ({100 * value / entropy:.1f} % of H)" if entropy > 0 else ""
        return f"{rounded(value / scale.nats, None, scale.decimals)} {scale.unit}{part}"

    test = [] if leak.p_value is None else [f"p = {leak.p_value:.2f}"]
    said = f"no leak found: at most {nats(leak.upper)} at 95 %"
    if leak.found:
        amount = f"at least {nats(leak.lower)} at 95 %" if leak.lower > 0 else "of unknown size"
        said = f"leaks {amount}"
    return ", ".join([said, *test])


def predicted(label: LabelReport, scale: Scale) -> str:
    """Which predictor gave the lower end, how often it is right, and what is left besides."""
    parts = [f"{label.candidate} names {100 * label.accuracy:.1f} % right"]
    if label.missing:
        parts.append(f"{label.missing} without")
    low = label.estimates.get("label_remainder")
    high = label.estimates.get("label_remainder_upper")
    if low is not None and high is not None and high.value > low.value:
        ends = f"{written(low, scale)} … {written(high, scale)}"
        parts.append(f"besides it {ends} {scale.unit}")
    return "; ".join(parts)


def indexed(label: LabelReport, scale: Scale) -> str:
    """The figure for these N examples, and whether it says anything."""
    index = label.estimates.get("label_information_index")
    if index is None:
        return ""
    flag = ", saturated (a random label has as much)" if label.saturated else ""
    return f"for these N {stated(index, scale)}{flag}"


def placed(label: LabelReport, scale: Scale) -> str:
    """The dimensions that tell most, how far the first is ahead, and what leak would show."""
    shown, count = label.informative[:MOST_DIMENSIONS], len(label.informative)
    more = f" and {count - len(shown)} more" if count > len(shown) else ""
    names = ", ".join(map(str, shown))
    parts = [f"dimension{'s' * (count > 1)} {names}{more}"] if shown else []
    gap = label.estimates.get("label_gap")
    if gap is not None:
        parts.append(f"MIG {with_error(gap.value, error_of(gap), 3)}")
    if label.leak is not None and label.leak.power is not None:
        power = rounded(label.leak.power / scale.nats, None, scale.decimals)
        parts.append(f"a leak of {power} would show")
    return "; ".join(parts)


def stated(estimate: Estimate, scale: Scale) -> str:
    """An estimate with its error."""
    by = scale.nats if estimate.unit == "nats" else 1.0
    return with_error(estimate.value, error_of(estimate), scale.decimals, by)
