"""The test of a rate-distortion curve in words: its chords, and whether it is as it must be."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from genprobe.analysis.rounding import rounded, rounded_error, with_error
from genprobe.comparing.curve import LEAST_NATS, Condition, CurveTest

NOTE = {
    "training": "A model that is trained out has its β between the slopes on its two sides. What "
    "all models lack alike, such as epochs, this cannot tell.",
    "held-out": "Nothing holds these to their β: where they overfit, the curve turns up.",
}


def curve_test_view(test: CurveTest, side: str) -> RenderableType:
    """What was found of a curve, as something rich can print.

    Args:
        test: of the curve.
        side: ``training`` or ``held-out``.
    """
    title = Text(f"The curve on the {side} data", style="bold")
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold")
    for heading in ("from β", "to β", "slope −ΔD/ΔR", "±"):
        table.add_column(heading, justify="right")
    for chord in test.chords:
        ends = (f"{beta:g}" for beta in chord.betas)
        table.add_row(*ends, rounded(chord.slope, chord.se), rounded_error(chord.se))
    return Group(
        title, table, "", Text("\n".join([curve_verdict(test), *faults(test), NOTE[side]]))
    )


def curve_verdict(test: CurveTest) -> str:
    """The finding in one line."""
    curve = [c for c in test.conditions if c.name != "best at its β"]
    if not curve:
        return "One β makes no curve: there is nothing to test."
    conditions = {c.name for c in test.broken}
    monotone = "Monotone" if not conditions & {"rate falls", "distortion rises"} else "Not monotone"
    convex = "convex" if "convex" not in conditions else "not convex"
    if conditions - {"best at its β"}:
        return f"{monotone} and {convex}."
    clear = [c.z for c in curve if abs(c.value) > LEAST_NATS]
    closest = f": every condition holds, by {min(clear):.1f} errors at least" if clear else ""
    return f"{monotone} and {convex} within error{closest}."


def faults(test: CurveTest) -> list[str]:
    """A line for every break: of several models that do better at one β, the best."""
    lines, shown = [], set()
    for broken in test.broken:
        if (broken.name, broken.betas[0]) not in shown:
            shown.add((broken.name, broken.betas[0]))
            lines.append(fault(broken))
    return lines


def fault(broken: Condition) -> str:
    """One break in words."""
    by = f"{with_error(-broken.value, broken.se)} nats"
    first, *others = (f"{beta:g}" for beta in broken.betas)
    return {
        "rate falls": f"R rises from β = {first} to {others[0]} by {by}.",
        "distortion rises": f"D falls from β = {first} to {others[0]} by {by}.",
        "convex": f"β = {first} lies above the line between its neighbours by {by}.",
        "best at its β": f"β = {first} is not trained out: the model of β = {others[0]} has a "
        f"lower D + {first} R, by {by}.",
    }[broken.name]
