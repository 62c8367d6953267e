import math

import pytest

from genprobe.analysis.regimes import MEANING
from genprobe.estimators import PARTS
from genprobe.estimators.catalog import CATALOG
from genprobe.render.text import rows
from genprobe.report import number
from genprobe.types import Notice


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.25, "1.250"),
        (0, "0.000"),
        (-0.0, "0.000"),
        (-0.0004, "0.000"),
        (-0.0006, "−0.001"),
        (-87.4, "−87.400"),
        (123456.7891, "123456.789"),
        (3e18, "3.000e+18"),
        (-1e9, "−1.000e+09"),
    ],
)
def test_numbers_have_three_decimals_and_a_true_minus(value, text):
    assert number(value) == text


def find(report, name, divisor=1.0):
    table = [row for section in rows.sections(report, divisor).values() for row in section]
    return next(row for row in table if row.name.startswith(name))


@pytest.mark.parametrize(
    ("name", "value", "se", "se_data"),
    [
        ("rate R", "10.00", "exact", "0.12"),
        ("distortion D", "35.00", "0.25", "0.12"),
        ("ELBO", "−45.00", "0.25", "0.12"),
        ("log N", f"{math.log(1000) / 2:.3f}", "exact", "exact"),
        ("marginal KL floor", "≥ 0.00", "exact", "0.12"),
        ("active units", "2 of 3", "", ""),
    ],
)
def test_a_row_is_divided_by_its_unit_except_a_count(make_report, name, value, se, se_data):
    assert find(make_report(), name, 2.0)[1:] == (value, se, se_data)


def test_a_plugin_estimate_comes_last_and_keeps_its_own_unit(make_report, make_estimate):
    report = make_report()
    extra = make_estimate("examples_told_apart", 403.4, se=2.0, unit="examples")
    report = make_report(estimates={"examples_told_apart": extra, **report.estimates})
    *_, (title, [row]) = rows.sections(report, 2.0).items()
    assert title == "More"
    assert row == ("examples told apart", "403.4", "2.0", "0.25")


def test_every_built_in_estimate_has_a_row_in_its_section(make_report, make_estimate):
    report = make_report(estimates={name: make_estimate(name, 1.0) for name in reversed(CATALOG)})
    found = rows.layout(report)
    assert [e.name for estimates in found.values() for e in estimates] == list(PARTS)
    for title, estimates in found.items():
        assert {CATALOG[e.name].section for e in estimates} == {title}


def test_a_plugin_estimate_stands_where_its_estimator_says(told_apart):
    (title, *known), last = list(rows.layout(told_apart).items())[-2:]
    assert title == "The code"
    assert [e.name for e in known[0]] == ["active_units", "told_apart"]
    assert last[0] == "Retrieval"
    assert rows.meaning_of(told_apart["told_apart"]) == "Examples <told> apart."


@pytest.mark.parametrize(
    ("rates", "bars"),
    [
        ([0.5], "█  0.500 … 0.500"),
        ([0.0, 2.0, 1.0], "█▅▁  2.000 … 0.000"),
        ([1e-9, -1e-9], "▁▁  0.000 … 0.000"),
        ([1.0] * 200, "█" * 16 + " and 184 more  1.000 … 1.000"),
    ],
)
def test_the_bars_go_from_the_largest_dimension_to_the_smallest(make_dimension, rates, bars):
    dimensions = [make_dimension(i, rate) for i, rate in enumerate(rates)]
    assert rows.sparkline(dimensions, 1.0) == bars


def test_there_are_no_bars_where_the_rate_does_not_factorise(make_dimension):
    assert rows.sparkline([make_dimension(0, 1.0).__class__(**NO_RATE)], 1.0) == ""


NO_RATE = {"index": 0, "rate": None, "rate_se_data": None, "mean_variance": 1.0, "active": True}


NUMBERS = "; R = 20.00, I(n;z) = 6.00"


@pytest.mark.parametrize(
    ("probability", "shown"), [(1.0, "1.00"), (0.9996, "0.99"), (0.95, "0.95")]
)
def test_a_sure_regime_stands_alone_and_is_never_rounded_to_certainty(
    make_report, make_regime, probability, shown
):
    regime = make_regime(probability=probability, alternatives=(("autodecoder", 0.01),))
    text = rows.regime_verdict(make_report(regime=regime))
    assert text == f"semantic-encoder (probability {shown}): {MEANING['semantic-encoder']}{NUMBERS}"


def test_the_sentence_of_a_regime_states_its_numbers_in_their_unit(make_model):
    report = make_model("m", 24.0, 60.0, slope=1.06, information=9.08, label="knee")
    assert rows.regime_verdict(report).endswith("; R = 24.00, I(n;z) = 9.08, s = 1.06")
    assert rows.regime_verdict(report, 2.0).endswith("; R = 12.00, I(n;z) = 4.54, s = 1.06")


def test_no_meaning_speaks_against_the_numbers_beside_it():
    for meaning in MEANING.values():
        assert not {"little", "nothing", "everything", "all"} & set(meaning.split())


def test_from_where_on_a_label_stands_alone_is_a_cut(make_report, make_regime):
    regime = make_regime(probability=0.6, alternatives=(("knee", 0.4),))
    report = make_report(regime=regime, provenance={"regime_cuts": {"certain": 0.5}})
    assert rows.short_verdict(report) == "semantic-encoder 0.60"
    assert rows.regime_verdict(report).startswith("semantic-encoder (probability 0.60)")


def test_an_unsure_regime_shows_both_labels(make_report, make_regime):
    regime = make_regime(probability=0.6, alternatives=(("semantic-decoder", 0.4),))
    text = rows.regime_verdict(make_report(regime=regime))
    assert text == "semantic-encoder / semantic-decoder boundary, 0.60 / 0.40" + NUMBERS


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("distortion-above-blind", "but it does worse than a decoder without a code"),
        ("rate-without-information", "but its code tells next to nothing"),
    ],
)
def test_a_label_that_a_warning_speaks_against_is_doubted(make_report, code, said):
    report = make_report(warnings=[Notice(code=code, message="It is high.", remedy="Look.")])
    assert rows.regime_verdict(report) == f"semantic-encoder (probability 1.00), {said}{NUMBERS}"
    assert rows.short_verdict(report) == "semantic-encoder 1.00 ?"
    assert rows.short_verdict(make_report()) == "semantic-encoder 1.00"


def test_nothing_is_said_against_an_autodecoder(make_report, make_regime):
    nothing = Notice(code="rate-without-information", message="It is low.", remedy="Look.")
    report = make_report(warnings=[nothing], regime=make_regime("autodecoder"))
    assert rows.short_verdict(report) == "autodecoder 1.00"


def test_the_entropy_bound_is_shown_in_the_unit_of_the_table_with_its_source(make_report):
    lines = rows.regime_lines(make_report(), "bits", math.log(2))
    assert lines[1:] == ["D/Ĥ = 0.7", "Ĥ = 129.843 bits, from this model's R + D"]


def test_an_undetermined_regime_gives_its_reason_once(make_report, make_regime):
    regime = make_regime("undetermined", reasons=("no decoder",))
    lines = rows.regime_lines(make_report(regime=regime), "nats", 1.0)
    assert lines == ["undetermined: no decoder"]


@pytest.mark.parametrize(
    ("provenance", "text"),
    [
        ({}, "vae on digits: N = 1000, 1 draw each, bits"),
        (
            {"draws": 4, "binarize": "stochastic"},
            "vae on digits, binarised (stochastic): N = 1000, 4 draws each, bits",
        ),
    ],
)
def test_the_headline_says_what_was_done_to_the_data(make_report, provenance, text):
    assert rows.headline(make_report(provenance=provenance), "bits") == text


@pytest.mark.parametrize(
    ("source", "words"), [("given", "as given"), ("the data set", "from the data set")]
)
def test_a_bound_says_where_it_comes_from(source, words):
    assert rows.sourced(source) == words
