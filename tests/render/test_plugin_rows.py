"""A plugin's estimate is called what its estimator says, in every format."""

import re

import pytest

from genprobe.comparing.compare import compare
from genprobe.render.page import html
from genprobe.render.text import comparison, latex, markdown, table


@pytest.mark.parametrize(
    ("render", "label"),
    [
        (table.to_text, r"told \| apart"),
        (lambda report: markdown.to_markdown(report, details=True), r"told \\\| apart"),
        (lambda report: latex.to_latex(report, details=True), r"told \\textbar\{\} apart"),
        (lambda report: html.to_html(compare(report)), r"told \| apart"),
    ],
    ids=["table", "markdown", "latex", "page"],
)
def test_its_row_stands_in_its_section_under_its_label(told_apart, render, label):
    text = render(told_apart)
    order = ["The code", "active units", label, "Retrieval", "hits"]
    found = re.search(r"[\s\S]*?\n.*".join(order), text)
    assert found, text[-3000:]
    assert "7.5" in found.group()


def test_the_page_says_what_a_row_means_as_text(told_apart):
    page = html.to_html(compare(told_apart))
    assert 'title="Examples &lt;told&gt; apart."' in page
    assert 'title="latent dimensions whose posterior mean moves with x"' in page


def test_models_are_compared_by_it_the_better_end_first(told_apart, make_report, make_estimate):
    more = make_report(
        model="more", estimates={"told_apart": make_estimate("told_apart", 9.0, unit="examples")}
    )
    found = compare([told_apart, more], sort="told_apart")
    assert found.names == ("more", "vae")
    assert found.best_value("told_apart") == 9.0
    assert re.search(r"^more .* 9\.00 ", comparison.comparison_to_text(found), re.MULTILINE)


def test_without_the_plugin_it_goes_by_its_name(make_report, make_estimate):
    report = make_report(estimates={"told_apart": make_estimate("told_apart", 7.5)})
    assert re.search(r"More\n +told apart +7\.50", table.to_text(report))
