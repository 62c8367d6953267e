"""What is written on the rate-distortion plane and in its keys, in the unit of the plane."""

from collections.abc import Sequence

from genprobe.analysis.regimes import (
    AUTODECODER,
    AUTOENCODER,
    KNEE,
    SEMANTIC_DECODER,
    SEMANTIC_ENCODER,
    SYNTACTIC_ENCODER,
)
from genprobe.escape import escape
from genprobe.render.plane import Plane
from genprobe.render.text.headings import SPELT
from genprobe.render.text.rows import sourced
from genprobe.report import number

NAME = 28
"""Characters of a model's name before its middle is cut."""
NAMED = 12
"""Up to so many models a label is the name, beyond it a number."""


def number_labels(plane: Plane) -> dict[str, str]:
    """What stands for the names of many models, by name: their places in the table.

    Args:
        plane: of the models; of a few it has their names.
    """
    if len(plane.models) <= NAMED:
        return {}
    return {model.name: str(model.index + 1) for model in plane.models}


def axis_titles(unit: str) -> tuple[str, str]:
    """What the axes are called.

    >>> axis_titles("bits")
    ('rate R (bits)', 'distortion D (bits)')
    """
    return f"{SPELT['rate']} ({unit})", f"{SPELT['distortion']} ({unit})"


def one_line(name: str, length: int = NAME) -> str:
    """A name as it can be drawn: on one line, without control characters, its middle cut if long.

    Args:
        name: as the user gave it.
        length: most characters.

    >>> one_line("a very long name", 9)
    'a ver…ame'
    """
    plain = escape(name)
    if len(plain) <= length:
        return plain
    return f"{plain[: length - length // 3 - 1]}…{plain[-(length // 3) :]}"


def entropy_label(plane: Plane, then: str = "") -> str:
    """What the line R + D = Ĥ is, and where Ĥ comes from; of a plane that has one.

    Args:
        plane: of the models.
        then: what is said behind the number.
    """
    source = one_line(sourced(plane.entropy_source), 65)
    return f"R + D = Ĥ = {number(plane.entropy or 0.0)} {plane.unit}{then}, {source}"


def best_label(plane: Plane) -> str:
    """Which model has the best ELBO, and how sure that is."""
    sure = {True: " beyond doubt", False: ", not beyond doubt", None: ""}
    return f"{one_line(plane.best)}, best ELBO{sure[plane.best_is_certain]}"


def regime_boundaries(plane: Plane) -> dict[str, str]:
    """What makes each regime: its place under Ĥ, or without one the slope."""
    cuts = plane.cuts
    if plane.entropy is None:
        steps = (cuts.autoencoder_slope, cuts.syntactic_slope, cuts.knee_low, cuts.knee_high)
        auto, syntactic, low, high = (f"{step:g}" for step in steps)
        return {
            AUTODECODER: f"R ≤ {cuts.collapsed_nats / plane.scale:.3g}",
            SEMANTIC_DECODER: f"s > {high}",
            KNEE: f"{low} ≤ s ≤ {high}",
            SEMANTIC_ENCODER: f"{syntactic} < s < {low}",
            SYNTACTIC_ENCODER: f"{auto} < s ≤ {syntactic}",
            AUTOENCODER: f"s ≤ {auto}",
        }
    collapsed = max(cuts.collapsed_nats / plane.scale, cuts.collapsed_share * plane.entropy)
    return {
        AUTODECODER: f"R ≤ {collapsed:.3g}",
        KNEE: f"{cuts.knee_low:g} ≤ s ≤ {cuts.knee_high:g}",
        SEMANTIC_DECODER: f"R ≤ {cuts.semantic_rate:g} Ĥ",
        SEMANTIC_ENCODER: f"R > {cuts.semantic_rate:g} Ĥ",
        SYNTACTIC_ENCODER: f"D ≤ {cuts.syntactic:g} Ĥ",
        AUTOENCODER: f"D ≤ {cuts.autoencoder:g} Ĥ",
    }


def beta_label(betas: Sequence[float]) -> str:
    """Models of a sweep that lie together, by the first β and the last.

    >>> beta_label([0.5]), beta_label([1.0, 2.0, 4.0])
    ('β = 0.5', 'β = 1–4')
    """
    ends = dict.fromkeys((betas[0], betas[-1]))
    return f"β = {'–'.join(f'{beta:.3g}' for beta in ends)}"
