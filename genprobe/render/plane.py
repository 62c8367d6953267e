r"""The rate-distortion plane of some models: what lies where on it, whatever it is drawn with.

Rate is to the right and distortion upwards, so the autodecoder is at the top left and the
autoencoder at the bottom right (Alemi et al. 2018, "Fixing a broken ELBO"). Models of one ELBO lie
on a straight line,

.. math:: R + D = -\mathrm{ELBO},

and no model lies below the entropy of the data, of which Ĥ is the least known upper bound. The
terminal, matplotlib, the HTML page and the figure of a sweep draw from this one account.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from genprobe.analysis.regimes import ORDER, UNDETERMINED, Cuts
from genprobe.analysis.regions import Region, regions
from genprobe.comparing.comparison import Comparison
from genprobe.escape import escaped
from genprobe.render.decoder_curve import PlaneCurve, decoder_curves
from genprobe.render.ellipse import CERTAIN, ellipse
from genprobe.render.palette import MODELS, colours_of
from genprobe.render.progressive_plane import progressive_curves
from genprobe.render.text.units import common_divisor
from genprobe.report import Estimate, Report

ALL = 24
"""Up to so many models every one is labelled, beyond it those on the convex hull."""

Position = tuple[float, float]
"""(R, D)."""
Range = tuple[float, float]
Polyline = Sequence[Position]


class Window(NamedTuple):
    """The part of the plane that is shown.

    rates: from left to right.
    distortions: from the bottom to the top.
    """

    rates: Range
    distortions: Range


@dataclass(frozen=True, kw_only=True)
class PlacedModel:
    """A model with a place on the plane, in the unit of the plane.

    Attributes:
        index: of its report in the comparison.
        report: of it, under the name it goes by.
        position: its R and D.
        rates: the ends of the error bar of R, as far as the ellipse goes.
        distortions: the same of D.
        ellipse: corners of the 95 % ellipse; None where an error is not known.
        colour: of the model, the same wherever it is drawn.
    """

    index: int
    report: Report
    position: Position
    rates: Range
    distortions: Range
    ellipse: Polyline | None
    colour: str = MODELS[0]

    @property
    def name(self) -> str:
        """What it goes by."""
        return self.report.model

    @property
    def regime(self) -> str:
        """The label, which gives its marker; undetermined if it is unknown."""
        label = self.report.regime.label
        return label if label in ORDER else UNDETERMINED

    @property
    def slope(self) -> float | None:
        """The operating slope s = −dD/dR; None where it is not known."""
        estimate = self.report.estimates.get("slope")
        return None if estimate is None else estimate.value


@dataclass(frozen=True, kw_only=True)
class RateOnly:
    """A model without a decoder, which has a rate and no place.

    Attributes:
        name: what it goes by.
        rate: R.
        rates: the ends of its error bar.
    """

    name: str
    rate: float
    rates: Range


@dataclass(frozen=True, kw_only=True)
class Plane:
    """Everything there is to draw of a comparison, in one unit.

    Attributes:
        models: those with a place.
        undecoded: those without a distortion.
        frontier: positions in ``models`` of those that none other beats.
        hull: positions of those that no mixture of others beats either.
        best: name of the model with the best ELBO; empty where there are not several.
        best_is_certain: whether it is the best beyond doubt; None where nothing says.
        entropy: Ĥ; None where there is none.
        entropy_source: where Ĥ comes from.
        regions: of the regimes that position gives, without end; none without Ĥ.
        cuts: thresholds of the regimes.
        unit: ``nats``, ``bits`` or ``bits/dim``.
        scale: nats a unit.
        curves: of the decoders, where they were asked for, and of chains of latents.
    """

    models: tuple[PlacedModel, ...]
    undecoded: tuple[RateOnly, ...]
    frontier: tuple[int, ...]
    hull: tuple[int, ...]
    best: str
    best_is_certain: bool | None
    entropy: float | None
    entropy_source: str | None
    regions: tuple[Region, ...]
    cuts: Cuts
    unit: str
    scale: float
    curves: tuple[PlaneCurve, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to draw: neither a model's place nor a decoder's curve."""
        return not (self.models or self.curves)

    @property
    def positions(self) -> list[Position]:
        """(R, D) of each model."""
        return [model.position for model in self.models]

    @property
    def labelled(self) -> tuple[int, ...]:
        """Positions of the models whose names are written: all, or of many those on the hull."""
        return tuple(range(len(self.models))) if len(self.models) <= ALL else self.hull

    @property
    def hull_line(self) -> list[Position]:
        """The convex hull: what choosing between models at random reaches."""
        return [self.models[i].position for i in self.hull]

    @property
    def window(self) -> Window:
        """The window that holds every model with its error, so that none falls outside.

        It starts from zero unless that would squeeze the models into the far half of an axis. Where
        all models are at one place it shows the whole plane up to Ĥ.
        """
        alone = len(set(self.positions)) == 1
        rates = [end for model in self.models for end in model.rates]
        rates += [end for encoder in self.undecoded for end in encoder.rates]
        distortions = [end for model in self.models for end in model.distortions]
        for curve in self.curves:
            rates += [rate for rate, _ in curve.near]
            distortions += [distortion for _, distortion in curve.near]
        return Window(
            axis_limits(rates, alone, self.entropy if alone else None),
            axis_limits(distortions, alone, self.entropy),
        )


def plane_of(comparison: Comparison, unit: str = "nats") -> Plane:
    """What there is to draw on the plane: no model where the models' numbers do not compare.

    Args:
        comparison: of one model or several.
        unit: ``nats``, ``bits`` or ``bits/dim``.

    Raises:
        GenprobeError: if there is no such unit for these data.

    >>> import genprobe, torch
    >>> params = {"loc": torch.zeros(50, 1), "scale": torch.ones(50, 1)}
    >>> report = genprobe.evaluate_posteriors(params, distortion=torch.full((50,), 3.0))
    >>> plane = plane_of(genprobe.compare([report]))
    >>> plane.positions, plane.hull_line
    ([(0.0, 3.0)], [(0.0, 3.0)])
    """
    comparison, scale = escaped(comparison), common_divisor(comparison.reports, unit)
    placed = list(enumerate(comparison.named)) if comparison.shares_a_plane else []
    named = [(i, report) for i, report in placed if "rate" in report.estimates]
    colours = colours_of(comparison)
    models = [place_model(r, scale, i, colours[i]) for i, r in named if "distortion" in r.estimates]
    others = [r for _, r in named if "distortion" not in r.estimates]
    position = {model.index: at for at, model in enumerate(models)}
    entropy = comparison.entropy
    return Plane(
        models=tuple(models),
        undecoded=tuple(rate_only(report, scale) for report in others),
        frontier=tuple(position[i] for i in comparison.frontier),
        hull=tuple(position[i] for i in comparison.hull),
        best=comparison.best if len(models) > 1 else "",
        best_is_certain=comparison.best_is_certain,
        entropy=None if entropy is None else entropy / scale,
        entropy_source=comparison.entropy_source,
        regions=scaled_regions(entropy, comparison.cuts, scale),
        cuts=comparison.cuts,
        unit=unit,
        scale=scale,
        curves=(
            *decoder_curves(placed, colours, scale),
            *progressive_curves(placed, colours, scale),
        ),
    )


def place_model(
    report: Report, scale: float = 1.0, index: int = 0, colour: str = MODELS[0]
) -> PlacedModel:
    """A model at its rate and distortion.

    Args:
        report: with both.
        scale: nats a unit.
        index: of the report among several.
        colour: of the model.
    """
    rate, distortion, corners = report["rate"], report["distortion"], ellipse(report)
    return PlacedModel(
        index=index,
        report=report,
        position=(rate.value / scale, distortion.value / scale),
        rates=error_range(rate, scale),
        distortions=error_range(distortion, scale),
        ellipse=None if corners is None else [(x, y) for x, y in (corners / scale).tolist()],
        colour=colour,
    )


def rate_only(report: Report, scale: float) -> RateOnly:
    """A model without a decoder."""
    rate = report["rate"]
    return RateOnly(name=report.model, rate=rate.value / scale, rates=error_range(rate, scale))


def scaled_regions(entropy: float | None, cuts: Cuts, scale: float) -> tuple[Region, ...]:
    """The regions of the regimes in a unit of so many nats; none without a positive Ĥ."""
    found = regions(entropy, cuts) if entropy is not None and entropy > 0 else ()
    return tuple(
        replace(r, rate=divided(r.rate, scale), distortion=divided(r.distortion, scale))
        for r in found
    )


def divided(ends: Range, scale: float) -> Range:
    """A range in a unit of so many nats."""
    return ends[0] / scale, ends[1] / scale


def error_range(estimate: Estimate, scale: float = 1.0) -> Range:
    """The ends of an estimate's error bar, as far as the ellipse around a model goes."""
    error = CERTAIN * (estimate.se_data or 0.0)
    return divided((estimate.value - error, estimate.value + error), scale)


def axis_limits(values: Sequence[float], whole: bool, also: float | None = None) -> Range:
    """The range of one axis: from zero, unless that would squeeze the values into its far half.

    Args:
        values: to be shown.
        whole: whether to start from zero even then.
        also: what else to show, where the axis starts from zero.

    >>> axis_limits([0.0, 25.0], whole=False)
    (-1.0, 28.0)
    >>> axis_limits([60.0, 100.0], whole=False)
    (48.0, 112.0)
    """
    low, high = min(values), max(values)
    if low * high > 0 and high - low < min(abs(low), abs(high)) and not whole:
        margin = 0.3 * (high - low) or 0.05 * abs(high)
        return low - margin, high + margin
    low, high = min(low, 0.0), max(high, also or 0.0, 0.0)
    span = (high - low) or 1.0
    return low - 0.04 * span, high + 0.12 * span


def regions_within(plane: Plane, window: Window) -> list[Region]:
    """The regions of the regimes, as far as they lie in a window; none without Ĥ.

    Args:
        plane: of the models.
        window: that they are clipped to.
    """
    clipped = (
        replace(
            region,
            rate=clip(region.rate, window.rates),
            distortion=clip(region.distortion, window.distortions),
        )
        for region in plane.regions
    )
    return [r for r in clipped if r.rate[0] < r.rate[1] and r.distortion[0] < r.distortion[1]]


def clip(ends: Range, limits: Range) -> Range:
    """A range as far as it lies in another; empty at its edge where it does not."""
    low, high = (min(max(end, limits[0]), limits[1]) for end in ends)
    return low, high


class RegimeKey(NamedTuple):
    """A regime as a key to the plane lists it.

    label: of the regime.
    shaded: whether a region of the plane is its own.
    used: whether a model has it.
    """

    label: str
    shaded: bool
    used: bool


def regime_keys(plane: Plane) -> list[RegimeKey]:
    """Every regime that has a region of the plane or a model there, in their order.

    Args:
        plane: of the models.
    """
    shaded = {region.label for region in plane.regions}
    used = {model.regime for model in plane.models}
    return [RegimeKey(name, name in shaded, name in used) for name in in_order(shaded | used)]


def in_order(labels: Collection[str]) -> list[str]:
    """Regimes from the autodecoder to the autoencoder, and last what is undetermined."""
    return [name for name in (*ORDER, UNDETERMINED) if name in labels]
