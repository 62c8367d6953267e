"""A comparison in a notebook: verdict, table and plane, in whatever colours the notebook has."""

import base64
from io import BytesIO
from typing import Any

from genprobe.comparing.comparison import Comparison
from genprobe.escape import escaped
from genprobe.render.page import html
from genprobe.render.palette import colours_of
from genprobe.render.text.comparison_rows import shared_notes, title
from genprobe.render.text.comparison_summary import (
    last_columns,
    left_out,
    mark_notes,
    number_columns,
    shown_models,
)
from genprobe.render.text.comparison_verdict import verdict_of

RESOLUTION = 150
"""Dots an inch of the plane."""


def comparison_to_notebook(comparison: Comparison, unit: str = "nats") -> str:
    """A comparison as HTML that has its style and picture in it and runs nothing.

    Args:
        comparison: of one model or several.
        unit: ``nats``, ``bits`` or ``bits/dim``.

    >>> import genprobe, torch
    >>> params = {"loc": torch.zeros(50, 1), "scale": torch.ones(50, 1)}
    >>> report = genprobe.evaluate_posteriors(params, distortion=torch.full((50,), 3.0))
    >>> "<table" in comparison_to_notebook(genprobe.compare([report]))
    True
    """
    comparison = escaped(comparison)
    shown = shown_models(comparison)
    colours = colours_of(comparison)
    columns = [*number_columns(comparison, shown, unit, True), *last_columns(comparison, shown)]
    return (
        html.page_environment()
        .get_template("comparison.html.j2")
        .render(
            title=title(comparison, unit),
            verdict=verdict_of(comparison, unit),
            columns=columns,
            names=[comparison.names[i] for i in shown],
            colours=[colours[i] for i in shown],
            more=left_out(comparison, shown),
            notes=[*mark_notes(comparison, shown), *shared_notes(comparison, unit)],
            plane=plane_picture(comparison, unit),
        )
    )


def plane_picture(comparison: Comparison, unit: str) -> str:
    """The plane as a data URI; empty where no model has a place on it."""
    from genprobe.render.figure.plane import draw_plane

    if not comparison.shares_a_plane or not comparison.frontier:
        return ""
    out = BytesIO()
    figure: Any = draw_plane(comparison, unit)
    figure.savefig(out, format="png", dpi=RESOLUTION)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
