"""Reports as one HTML page that needs nothing else: no network, no other file.

Styles, script, plotly and pictures are in the page. Its Content-Security-Policy forbids the
network and every script but the page's own, which it names by their hashes; what users named
(models, data, paths) is escaped by jinja2, and again where plotly would read tags in it.

Plotly is its basic bundle (plotly.js 4.1.1, MIT), kept under ``plotly/``: lines and points are all
a plane needs, and the page is then 1.2 MB rather than the 5 MB of the whole library.
"""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from genprobe._version import __version__
from genprobe.analysis.diffuses import diffuses
from genprobe.analysis.findings import FINDINGS, read_more
from genprobe.analysis.regimes import MEANING, ORDER, UNDETERMINED
from genprobe.analysis.rounding import rounded, rounded_error
from genprobe.analysis.verdict import verdict
from genprobe.comparing.comparison import Comparison
from genprobe.comparing.difference import OF_LABELS
from genprobe.errors import GenprobeError
from genprobe.escape import escape, escaped
from genprobe.render.page.code_charts import placed_charts, tokenizer_chart
from genprobe.render.page.entry import Entry, entry
from genprobe.render.page.grids import together
from genprobe.render.page.interactive import CROWD, GLYPHS, plotly_figure
from genprobe.render.page.label_maps import SIDE
from genprobe.render.page.provenance import facts_of
from genprobe.render.page.reproduce import from_here
from genprobe.render.palette import COLOURS, MARKERS, colours_of
from genprobe.render.plane import plane_of, regime_keys
from genprobe.render.progressive_plane import progressive_meanings
from genprobe.render.rate_parts import label_part, strip_labels
from genprobe.render.text import templating
from genprobe.render.text.chain_lines import FIRST_ALONE, values_of
from genprobe.render.text.comparison_codes import code_columns, code_notes, code_title, has_codes
from genprobe.render.text.comparison_labels import (
    UNCLEAR,
    compared_labels,
    is_unclear,
    label_names,
    label_notes,
    label_title,
)
from genprobe.render.text.comparison_rows import UNPAIRED, difference_rows, differing
from genprobe.render.text.comparison_verdict import verdict_of
from genprobe.render.text.comparison_warnings import gathered
from genprobe.render.text.diffusion_lines import root
from genprobe.render.text.first_level import has_chain, of_first_level
from genprobe.render.text.headings import ERRORS, SPELT
from genprobe.render.text.label_lines import leaked
from genprobe.render.text.rows import (
    BOUNDS,
    doubts,
    floor_two,
    label_layout,
    layout,
    meaning_of,
    method_lines,
    name_of,
    regime_verdict,
    sourced,
    total_of,
)
from genprobe.render.text.short_rows import Scale
from genprobe.render.text.units import DECIMALS, UNITS, common_divisor, divisor
from genprobe.report import Estimate, Report, number
from genprobe.runtime.output_file import ResultKind

FEW = 8
"""Up to so many models everything is open; of more, the details are folded away."""
FEW_NAMED = 3
"""Models that a sentence names; the others it counts."""
START = b"<!doctype html>"
MARK = b'<meta name="generator" content="genprobe '
"""What every page has among its first bytes."""


def to_html(comparison: Comparison, unit: str = "nats", command: str | None = None) -> str:
    """A comparison, or a single report compared with nothing, as one self-contained page.

    Args:
        comparison: to be shown.
        unit: ``nats``, ``bits`` or ``bits/dim``; the page can switch.
        command: the command line that makes the page, if one does.

    Raises:
        GenprobeError: if there is no such unit for these data.

    >>> import genprobe, torch
    >>> params = {"loc": torch.zeros(50, 1), "scale": torch.ones(50, 1)}
    >>> report = genprobe.evaluate_posteriors(params, distortion=torch.full((50,), 3.0))
    >>> to_html(genprobe.compare([report])).splitlines()[0]
    '<!doctype html>'
    """
    comparison = escaped(comparison)
    reports = comparison.named
    scale = common_divisor(reports, unit)
    colours = colours_of(comparison)
    further = any(map(has_chain, reports))
    entries = [entry(i, r.model, r, colours[i], further) for i, r in enumerate(reports)]
    plane = plane_of(comparison)  # in nats: the page's script divides by the unit
    figure = plotly_figure(plane)
    env = page_environment()
    text = {name: Markup(env.get_template(name).render()) for name in ("report.css", "report.js")}
    codes = codes_said(comparison, entries, colours)
    library = Markup(plotly() if figure is not None or codes["charts"] else "")
    return env.get_template("report.html.j2").render(
        comparison=comparison,
        entries=entries,
        rated=[each for each in entries if "rate" in each.report.estimates],
        best=next((e for e in entries if len(entries) > 1 and e.name == comparison.best), None),
        on_frontier=comparison.frontier,
        difference_rows=difference_rows(comparison, unit, 3),
        differing=differing(comparison),
        said={name: sentences(comparison, name) for name in {unit: 0, **units(reports)}},
        strips=strip_labels(reports),
        contents=contents(entries),
        findings=FINDINGS,
        order=[*ORDER, UNDETERMINED],
        differences={(d.first, d.name): d for d in comparison.differences},
        label_names=label_names(comparison),
        label_title=label_title(comparison, unit).removesuffix(unit),
        label_notes=label_notes(comparison),
        label_differences={
            name: {d.first: d for d in compared_labels(comparison, name)}
            for name in label_names(comparison)
        },
        unpaired=any(not d.paired for d in comparison.differences),
        positions={entry.name: entry.index for entry in entries},
        warnings=gathered(reports),
        together=together([entry.pictures for entry in entries]) if len(entries) <= FEW else [],
        figure=figure,
        **codes,
        units=units(reports),
        unit=unit,
        scale=scale,
        columns=SPELT,
        few=len(reports) <= FEW,
        crowded=len(reports) > CROWD,
        meaning=MEANING,
        keys=regime_keys(plane),
        progressive_meanings=progressive_meanings(plane.curves),
        glyphs={name: GLYPHS[shape] for name, shape in MARKERS.items()},
        colours=COLOURS,
        css=text["report.css"],
        script=text["report.js"],
        command=command and escape(from_here(command)),
        plotly=library,
        policy=policy(library, text["report.js"]),
        version=__version__,
    )


def codes_said(
    comparison: Comparison, entries: Sequence[Entry], colours: Sequence[str]
) -> dict[str, Any]:
    """What the page says of codes with places or classes, of each model and of all together.

    Args:
        comparison: its names escaped.
        entries: of its models.
        colours: of its models.
    """
    any_codes = has_codes(comparison)
    shared = tokenizer_chart(comparison, colours) if any_codes else None
    return {
        "charts": placed_charts([(e.index, e.codes.charts) for e in entries if e.codes], shared),
        "shared_chart": shared,
        "codes": code_columns(comparison, "nats", range(len(entries))) if any_codes else [],
        "code_title": code_title(comparison),
        "code_notes": code_notes(comparison),
    }


def sentences(comparison: Comparison, unit: str) -> dict[str, Sequence[str]]:
    """The sentences of the page that have numbers, in a unit: the script puts them in its place.

    Args:
        comparison: its names escaped.
        unit: that all of its reports have.
    """
    reports = comparison.named
    scales = [divisor(report, unit) for report in reports]
    several = len(reports) > 1
    return {
        "verdict": verdict_of(comparison, unit)
        if several
        else verdict(reports[0], unit, scales[0], DECIMALS[unit]),
        "regimes": [regime_verdict(r, by) for r, by in zip(reports, scales, strict=True)],
    }


def contents(entries: Sequence[Entry]) -> dict[str, str]:
    """The headings of the page by their anchors, as the list of contents names them."""
    several = len(entries) > 1
    found = {
        "findings": "Findings",
        "plane-title": "Plane",
        "regimes": "Regimes" if several else "Regime",
        "numbers": "Comparison" if several else "",
        "each": "Each model" if several else "Numbers",
        "nats": "Rate" if any(entry.shares for entry in entries) else "",
        "lost": "Inference" if any(entry.inference for entry in entries) else "",
        "dimensions": "Dimensions" if any(e.report.dimensions for e in entries) else "",
        "time": "Time" if any(diffuses(e.report) for e in entries) else "",
        "levels": "Levels" if any(has_chain(e.report) for e in entries) else "",
        "codes": "Codes" if any(entry.codes for entry in entries) else "",
        "labels": "Labels" if any(entry.report.labels for entry in entries) else "",
        "pictures": "Pictures",
        "again": "Make it again",
    }
    return {anchor: title for anchor, title in found.items() if title}


@cache
def page_environment() -> Environment:
    """The templates of the page; whatever they are given is escaped."""
    env = templating.template_environment(
        "page", autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    env.filters |= {
        "rounded": rounded,
        "rounded_error": rounded_error,
        "facts": facts_of,
        "read_more": read_more,
        "number": number,
        "layout": layout_with_labels,
        "name_of": name_of,
    }
    env.filters |= {"method": method_lines, "sourced": sourced, "meaning_of": meaning_of}
    env.filters |= {"doubts": doubts, "floor_two": floor_two}
    env.filters["values_of"] = values_of
    env.filters["name_in"] = lambda e, report: of_first_level(report, e.name, name_of(e))
    env.tests["chain"] = has_chain
    env.tests["diffusion"] = diffuses
    env.filters["root"] = root
    env.tests["unclear"] = is_unclear
    env.filters["leaked"] = lambda label, unit, scale: leaked(
        label, label.leak, Scale(unit, scale, DECIMALS[unit])
    )
    env.globals |= {
        "label_part": label_part,
        "OF_LABELS": OF_LABELS,
        "UNCLEAR": UNCLEAR,
        "UNPAIRED": UNPAIRED,
        "BOUNDS": BOUNDS,
        "DECIMALS": DECIMALS,
        "ERRORS": ERRORS,
        "FEW_NAMED": FEW_NAMED,
        "SIDE": SIDE,
        "total_of": total_of,
        "FIRST_ALONE": FIRST_ALONE,
    }
    return env


def layout_with_labels(report: Report) -> dict[str, list[Estimate]]:
    """The estimates of a report by section, those of each label among them."""
    return {**layout(report), **label_layout(report)}


@cache
def plotly() -> str:
    """The script of plotly."""
    bundle = files("genprobe.render.page") / "plotly" / "plotly-basic.min.js"
    return bundle.read_text(encoding="utf-8")


def policy(*scripts: str) -> str:
    """A Content-Security-Policy: no network, no script but these, pictures as data URIs."""
    hashes = " ".join(f"'sha256-{digest(script)}'" for script in scripts if script)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def digest(script: str) -> str:
    """SHA-256 of a script, base64, as a Content-Security-Policy names it."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def units(reports: Sequence[Report]) -> dict[str, float]:
    """What nats are divided by for every unit that means the same for all of the reports."""
    found = {}
    for unit in UNITS:
        try:
            scales = {divisor(report, unit) for report in reports}
        except (GenprobeError, KeyError):
            continue
        if len(scales) == 1:
            found[unit] = scales.pop()
    return found


def wrote_page(path: Path) -> bool:
    """Whether a file begins as a page of any version does."""
    with path.open("rb") as file:
        start = file.read(4096)
    return start.lstrip().startswith(START) and MARK in start


PAGE = ResultKind(name="a page of genprobe", wrote=wrote_page)
