"""Where each nat of the rate goes: information, labels, mismatch of the prior, what is open."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.transforms import offset_copy

from genprobe.render.figure.labels import figure_of
from genprobe.render.figure.legend import Entry, remark
from genprobe.render.figure.style import FAINT, INK, SMALL
from genprobe.render.plane_labels import one_line
from genprobe.render.rate_parts import label_part, parts_of, strip_labels
from genprobe.render.text.first_level import has_chain
from genprobe.report import Report, number

INFORMATION, EITHER, MISMATCH, OPEN = "information", "either", "mismatch", "open"
PART_STYLES: Mapping[str, Mapping[str, Any]] = {
    INFORMATION: {"facecolor": "#0072B2", "edgecolor": INK},
    EITHER: {"facecolor": "#CFE3F0", "edgecolor": "#0072B2", "hatch": "////"},
    MISMATCH: {"facecolor": "#D55E00", "edgecolor": INK},
    OPEN: {"facecolor": "white", "edgecolor": FAINT, "hatch": "...."},
}
MEANING = {
    INFORMATION: "information, at least: I(n;z) ≤ I(X;Z)",
    EITHER: "either: within the bracket of I(X;Z)",
    MISMATCH: "mismatch, at least: a better prior saves it",
    OPEN: "unresolved: no bound is known",
}
STRIP_COLOURS = ("#F0E442", "#CC79A7", "#FFFFFF")
"""Of the labels, in their order: all stand out on the blue of the information."""

THICK = 0.6
"""Of a bar, as a share of its row."""
STRIP = 0.1
"""Of a label's strip, as a share of a row; strips lie upwards from the lower edge of the bar."""
MARK = 0.42
"""Half the height of a bar's own mark of log N, as a share of its row."""
CAP: Mapping[str, Any] = {
    "color": INK,
    "linewidth": 0.9,
    "linestyle": (0, (2, 1.5)),
    "gid": "log-n",
}


def draw_nats(
    axes: Axes,
    reports: Sequence[Report],
    scale: float,
    unit: str,
    best: str = "",
    marks: Mapping[str, Mapping[str, Any]] | None = None,
    numbers: Mapping[str, str] | None = None,
) -> None:
    """One bar a model, its rate in its four parts, and the most that N examples can show.

    Args:
        axes: to draw on.
        reports: from top to bottom.
        scale: nats a unit.
        unit: its name.
        best: the model whose name is written in bold, if any.
        marks: how models are marked on the plane, by their names.
        numbers: what stands for their names there, if names do not.
    """
    parts = [[part / scale for part in parts_of(report)] for report in reports]
    rows = range(len(reports))
    left = [0.0] * len(reports)
    for name, widths in zip(PART_STYLES, zip(*parts, strict=True), strict=True):
        if any(widths):
            axes.barh(rows, widths, THICK, left, gid=name, linewidth=0.4, **PART_STYLES[name])
        left = [a + b for a, b in zip(left, widths, strict=True)]
    draw_strips(axes, reports, scale)
    longest = max(left) or 1.0
    for row, rate in zip(rows, left, strict=True):
        axes.annotate(
            number(rate), (rate, row), xytext=(3, 0), textcoords="offset points",
            va="center", fontsize=SMALL, bbox={"facecolor": "white", "linewidth": 0, "pad": 0.5},
        )  # fmt: skip
    axes.set(xlim=(0, 1.14 * longest), ylim=span(len(reports)), xlabel=f"rate R ({unit})")
    key = numbers or {}
    names = [f"{key.get(r.model, '')}  {one_line(r.model)}".strip() for r in reports]
    axes.set_yticks(rows, names)
    for label, report in zip(axes.get_yticklabels(), reports, strict=True):
        label.set_fontweight("bold" if report.model == best else "normal")
    axes.tick_params(axis="y", length=0, pad=9 if marks else 3.5)
    for row, report in zip(rows, reports, strict=True):
        if marks and report.model in marks:
            place = offset_copy(axes.get_yaxis_transform(), figure_of(axes), -5, 0, "points")
            look = marks[report.model]
            axes.plot(0, row, transform=place, clip_on=False, gid="mark", **look)
    axes.spines[["top", "right"]].set_visible(False)
    draw_caps(axes, reports, scale)


def draw_strips(axes: Axes, reports: Sequence[Report], scale: float) -> None:
    """What is about each label at least: a strip on every bar, from its start."""
    pairs = zip(strip_labels(reports), STRIP_COLOURS, strict=False)
    for position, (label, colour) in enumerate(pairs):
        told = {row: label_part(report, label) / scale for row, report in enumerate(reports)}
        told = {row: nats for row, nats in told.items() if nats > 0}
        rows = [row + THICK / 2 - STRIP * (position + 0.5) for row in told]
        axes.barh(
            rows, list(told.values()), STRIP,
            facecolor=colour, edgecolor=INK, linewidth=0.4, gid="label",
        )  # fmt: skip


def strip_entries(reports: Sequence[Report]) -> list[Entry]:
    """What the strips of the labels mean."""
    return [
        (
            Patch(linewidth=0.4, facecolor=colour, edgecolor=INK),
            f"about the label {one_line(label)}, at least",
        )
        for label, colour in zip(strip_labels(reports), STRIP_COLOURS, strict=False)
        if any(label_part(report, label) for report in reports)
    ]


def span(bars: int) -> tuple[float, float]:
    """The range of rows, downwards; a bar alone is not as thick as it could be."""
    room = max(0.6, 1.4 - 0.4 * bars)
    return bars - 1 + room, -room


def draw_caps(axes: Axes, reports: Sequence[Report], scale: float) -> None:
    """A line across at log N, or where bars have an N of their own a mark on each."""
    caps = reached_caps(reports, scale)
    if caps and shared_cap(reports, scale) is not None:
        axes.axvline(next(iter(caps.values())), **CAP)
        return
    for row, cap in caps.items():
        axes.plot([cap, cap], [row - MARK, row + MARK], **CAP)


def caps_of(reports: Sequence[Report], scale: float) -> list[float | None]:
    """The most that each I(n;z) can be, log N; None where it is not known."""
    known = (report.estimates.get("log_n") for report in reports)
    return [None if e is None else e.value / scale for e in known]


def shared_cap(reports: Sequence[Report], scale: float) -> float | None:
    """The cap of every bar, if all have the same."""
    caps = set(caps_of(reports, scale))
    return caps.pop() if len(caps) == 1 else None


def reached_caps(reports: Sequence[Report], scale: float) -> dict[int, float]:
    """The caps, by row, that are no further out than the longest bar."""
    longest = max(sum(parts_of(report)) for report in reports) / scale
    caps = enumerate(caps_of(reports, scale))
    return {row: cap for row, cap in caps if cap is not None and cap <= longest}


def nats_entries(reports: Sequence[Report], scale: float) -> list[Entry]:
    """What the parts of a bar mean, of those there are, and the line across."""
    parts = zip(PART_STYLES, zip(*map(parts_of, reports), strict=True), strict=True)
    entries: list[Entry] = [
        (Patch(linewidth=0.4, **PART_STYLES[name]), MEANING[name])
        for name, widths in parts
        if any(widths)
    ]
    entries += strip_entries(reports)
    if any(map(has_chain, reports)):
        entries.append(remark("of a chain: z₁, then all further levels unresolved"))
    elif any("mutual_information" in report.estimates for report in reports):
        entries.append(remark("all beyond I(n;z): KL(q(z)‖p(z)) of these N examples"))
    return entries + cap_entries(reports, scale)


def cap_entries(reports: Sequence[Report], scale: float) -> list[Entry]:
    """What the line of log N or its marks mean; in words alone where the bars reach none."""
    shared, reached = shared_cap(reports, scale), reached_caps(reports, scale)
    value = "" if shared is None else f" = {number(shared)}"
    if reached:
        return [(Line2D([], [], **CAP), f"log N{value}, the cap on I(n;z)")]
    return [remark(f"log N{value}, the cap on I(n;z), is beyond every bar")] if value else []
