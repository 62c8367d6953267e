import jinja2
import pytest

from genprobe.comparing.compare import compare
from genprobe.render.text.latex import comparison_to_latex, to_latex
from genprobe.render.text.markdown import comparison_to_markdown, markdown_environment, to_markdown
from genprobe.render.text.templating import comparison_facts, report_facts


def test_what_a_template_is_not_given_is_an_error_and_not_a_blank():
    with pytest.raises(jinja2.UndefinedError):
        markdown_environment().get_template("report.md.j2").render()


def test_the_best_is_told_as_bold_which_it_is_in_every_markup(make_report):
    comparison = compare([make_report(model="a"), make_report(model="b", shift=1.0)])
    [told] = [n for n in comparison_facts(comparison, "nats")["notes"] if "best" in n]
    assert told.startswith("Bold: the best D and ELBO.")
    assert "**−90.00**" in comparison_to_markdown(comparison)
    assert r"$\mathbf{-90.00}$" in comparison_to_latex(comparison)


def test_every_row_of_a_report_is_in_every_markup(make_report):
    facts = report_facts(make_report(), "bits")
    rows = [row for section in facts["sections"].values() for row in section]
    markdown, latex = (f(make_report(), "bits", details=True) for f in (to_markdown, to_latex))
    assert len(rows) == 7
    for row in rows:
        number = row.value.split()[-1].replace("−", "-")
        assert f"| {row.name} | {row.value} |" in markdown
        assert number in latex
