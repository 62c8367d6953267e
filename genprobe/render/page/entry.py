"""What the page says of one model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from genprobe.render.lost_parts import Part, lost_parts
from genprobe.render.page.code_parts import CodeParts, code_parts
from genprobe.render.page.grids import Shown, grids_of
from genprobe.render.page.label_maps import LabelMaps, label_maps
from genprobe.render.page.reproduce import reproduce
from genprobe.render.rate_parts import parts_of
from genprobe.render.text.inference_lines import inference_details
from genprobe.render.text.short_rows import Scale
from genprobe.render.text.units import DECIMALS
from genprobe.report import COLLAPSED_NATS, Dimension, Report

SHOWN = 16
"""Latent dimensions that get a bar, from the largest rate on."""


class Share(NamedTuple):
    """A part of the rate: what it is, nats, and the CSS class that draws it."""

    name: str
    nats: float
    style: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the page says of one model.

    Attributes:
        index: of the model on the page.
        name: what it goes by.
        report: of it.
        colour: of the model, as on the plane.
        shares: where each nat of its rate goes; empty if that is not known.
        lost: who loses each nat of −ELBO; empty if that is not known.
        inference: how that was worked out, a line each, in nats.
        dimensions: those with the largest rate, that one first.
        codes: what is shown of codes with places or classes; None of others.
        labels: what is drawn of its labels.
        pictures: its grids; empty if there are none.
        missing: what is not pictured, and why.
        command: that makes the report again, None if nothing says.
    """

    index: int
    name: str
    report: Report
    colour: str
    shares: Sequence[Share]
    lost: Sequence[Part]
    inference: Sequence[str]
    dimensions: Sequence[Dimension]
    codes: CodeParts | None
    labels: LabelMaps
    pictures: Sequence[Shown]
    missing: Sequence[str]
    command: str | None


def entry(index: int, name: str, report: Report, colour: str, further: bool) -> Entry:
    """What the page says of one model; ``further``: whether any model is a chain of latents."""
    pictures, missing = grids_of(report)
    return Entry(
        index=index,
        name=name,
        report=report,
        colour=colour,
        shares=shares(report, further),
        lost=lost_parts(report),
        inference=inference_details(report, Scale("nats", 1.0, DECIMALS["nats"])),
        dimensions=largest(report.dimensions),
        codes=code_parts(report, colour),
        labels=label_maps(report),
        pictures=pictures,
        missing=missing,
        command=reproduce(report),
    )


def shares(report: Report, further: bool = False) -> list[Share]:
    """Where each nat of the rate goes, as far as the bounds on the population say.

    Empty where a bound is missing, or the rate is no more than its error.

    Args:
        report: of the model.
        further: whether there is a share of further levels of chains, of which no bound is known.
    """
    needed = {"rate", "mutual_information", "mutual_information_population_upper"}
    if not needed <= report.estimates.keys() or not report["rate"].value > 0:
        return []
    parts = parts_of(report)
    return [
        Share("about x, at least", parts.information, "information"),
        Share("either", parts.either, "either"),
        Share("prior mismatch, at least", parts.mismatch, "mismatch"),
        *([Share("levels after the first", parts.open, "open")] if further else []),
    ]


def largest(dimensions: Sequence[Dimension]) -> list[Dimension]:
    """The dimensions that carry most, the largest rate first; none where rates are not known."""
    known = [d for d in dimensions if d.rate is not None and d.rate >= COLLAPSED_NATS]
    return sorted(known, key=lambda d: d.rate or 0.0, reverse=True)[:SHOWN]
