import dataclasses
import html

import pytest

from genprobe.render.page.report_notebook import to_notebook
from genprobe.render.text.further import detailed_parts, short_parts
from genprobe.render.text.latex import escape_latex, to_latex
from genprobe.render.text.markdown import to_markdown
from genprobe.render.text.short_rows import Scale
from genprobe.render.text.table import to_text
from genprobe.report.levels import Level

NATS = Scale("nats", 1.0, 3)
TITLES = ["Levels", "Label", "Label", "log p"]


@pytest.fixture
def report(make_report, make_estimate, make_label, make_inference):
    def level(i):
        rate = make_estimate("rate", 2.0 + i, se_data=0.25)
        estimates = {"rate": rate, "active_units": make_estimate("active_units", 2, unit="count")}
        return Level(name=f"z{i}", estimates=estimates, shape=(4,), family="diagonal-normal")

    labels = {name: make_label(name) for name in ("kind", "batch")}
    report = make_report(levels=(level(1), level(2)), labels=labels, inference=make_inference())
    chain = {"chain": {"levels": 2}, "event_shape": [64]}
    return dataclasses.replace(report, provenance=report.provenance | chain)


@pytest.mark.parametrize("write", [to_markdown, to_latex, to_notebook])
def test_what_is_known_of_inference_levels_and_labels_is_in_every_format(report, write):
    parts = short_parts(report, NATS)
    assert [title for title, _ in parts] == TITLES
    text = html.unescape(write(report))
    shown = escape_latex if write is to_latex else str
    for title, lines in parts:
        assert title in text
        assert all(shown(line) in text for line in lines)


@pytest.mark.parametrize("bars", [False, True])
def test_the_details_say_more_of_each(report, bars):
    short, whole = short_parts(report, NATS), detailed_parts(report, NATS, bars)
    assert [title for title, _ in whole] == TITLES
    assert all(len(more) >= len(lines) for (_, lines), (_, more) in zip(short, whole, strict=True))
    assert ("█" in str(whole)) == bars
    shown = " ".join(to_text(report).split())
    for _, lines in detailed_parts(report, NATS, True):
        assert all(" ".join(line.split()) in shown for line in lines)


def test_of_what_is_not_known_nothing_is_said(make_report):
    assert short_parts(make_report(), NATS) == detailed_parts(make_report(), NATS) == []
    assert "<strong>Levels" not in to_notebook(make_report())
