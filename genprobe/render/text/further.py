"""What is said below the numbers, where it is known: of inference, codes, time, levels, labels."""

from genprobe.render.text.chain_lines import chain_lines, short_chain_lines
from genprobe.render.text.channel_lines import channel_lines, factor_lines
from genprobe.render.text.diffusion_lines import (
    diffusion_lines,
    short_diffusion_lines,
    spelt_diffusion_lines,
)
from genprobe.render.text.inference_lines import curve_lines, inference_details, inference_lines
from genprobe.render.text.label_lines import label_lines
from genprobe.render.text.short_rows import Scale
from genprobe.render.text.token_lines import short_token_lines, token_lines
from genprobe.report import Report

Parts = list[tuple[str, list[str]]]
"""Titles with their lines; a title may be there twice."""


def short_parts(report: Report, scale: Scale) -> Parts:
    """The most of it, of which the lines of a part may be joined.

    Args:
        report: to be shown, its names escaped.
        scale: of the numbers.
    """
    return nonempty(
        ("Codes", factor_lines(report)),
        ("Tokens", short_token_lines(report)),
        ("Time", short_diffusion_lines(report, scale)),
        ("Levels", short_chain_lines(report, scale)),
        *of_labels(report, scale),
        ("log p", inference_lines(report, scale)),
    )


def detailed_parts(report: Report, scale: Scale, bars: bool = False) -> Parts:
    """All of it.

    Args:
        report: to be shown, its names escaped.
        scale: of the numbers.
        bars: whether lines stay below each other, so that there may be bars in them.
    """
    of_time, of_levels = spelt_diffusion_lines, short_chain_lines
    if bars:
        of_time, of_levels = diffusion_lines, chain_lines
    return nonempty(
        ("Codes", channel_lines(report)),
        ("Tokens", token_lines(report)),
        ("Time", of_time(report, scale)),
        ("Levels", of_levels(report, scale)),
        *of_labels(report, scale),
        ("log p", [*inference_details(report, scale), *curve_lines(report, scale)]),
    )


def of_labels(report: Report, scale: Scale) -> Parts:
    """A part for each label."""
    return [("Label", label_lines(label, scale)) for label in report.labels.values()]


def nonempty(*parts: tuple[str, list[str]]) -> Parts:
    """Those that say anything."""
    return [(title, lines) for title, lines in parts if lines]
