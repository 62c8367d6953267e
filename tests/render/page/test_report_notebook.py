import re

import pytest

from genprobe.render.page.report_notebook import to_notebook
from genprobe.render.text.short_rows import short_rows


def test_it_has_the_verdict_before_the_table_and_every_row_of_the_screen(make_report):
    html = make_report()._repr_html_()
    assert html == to_notebook(make_report())
    assert html.index("Evaluate on more examples") < html.index("<table")
    for row in short_rows(make_report(), "nats"):
        assert re.search(f">{re.escape(row.name)}<.*>{re.escape(row.value)}<", html)
    assert "saturated" in html
    assert "Use more examples." in html


def test_nothing_in_it_runs_or_is_fetched(make_report):
    html = to_notebook(make_report(model="<script>alert(1)</script>", dataset="a&b"))
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; on a&amp;b" in html
    assert re.findall(r'(?:src|href)="(?!data:)', html) == []


@pytest.mark.parametrize("name", ["rate", "distortion"])
def test_the_plane_is_there_where_the_model_has_a_place_on_it(make_report, name):
    known = {k: v for k, v in make_report().estimates.items() if k not in (name, "elbo")}
    assert 'src="data:image/png;base64,' in to_notebook(make_report())
    assert "<img" not in to_notebook(make_report(estimates=known))
