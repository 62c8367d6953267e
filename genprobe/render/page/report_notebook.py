"""A report in a notebook: verdict, table and plane, in whatever colours the notebook has."""

import base64
from io import BytesIO
from typing import Any

from genprobe.comparing.compare import compare
from genprobe.render.page import html
from genprobe.render.text.templating import screen_facts
from genprobe.report import Report

RESOLUTION = 150
"""Dots an inch of the plane."""


def to_notebook(report: Report, unit: str = "nats") -> str:
    """A report as HTML that has its style and picture in it and runs nothing.

    Args:
        report: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``.

    >>> import genprobe, torch
    >>> params = {"loc": torch.zeros(50, 1), "scale": torch.ones(50, 1)}
    >>> report = genprobe.evaluate_posteriors(params)
    >>> "<table" in to_notebook(report), "<img" in to_notebook(report)
    (True, False)
    """
    template = html.page_environment().get_template("report_notebook.html.j2")
    return template.render(**screen_facts(report, unit), plane=plane_image(report, unit))


def plane_image(report: Report, unit: str) -> str:
    """The plane as a data URI; empty where the model has no place on it."""
    if not {"rate", "distortion"} <= report.estimates.keys():
        return ""
    from genprobe.render.figure.plane import draw_plane

    out = BytesIO()
    figure: Any = draw_plane(compare([report]), unit)
    figure.savefig(out, format="png", dpi=RESOLUTION)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
