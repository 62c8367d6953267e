import dataclasses

import pytest

from genprobe.comparing.compare import compare
from genprobe.comparing.difference import Difference
from genprobe.render.text.comparison_summary import places
from genprobe.render.text.comparison_verdict import some_of, two_digits, verdict_of
from genprobe.types import Notice


def apart(name, value, error, estimate="elbo", paired=True):
    return Difference(
        first=name,
        second="a",
        name=estimate,
        value=value,
        se=0.0,
        se_data=error,
        n=1000,
        paired=paired,
    )


@pytest.fixture
def make(make_model):
    """Models of given (R, ELBO) beside the best one, ``a``, with their paired differences."""

    def make(
        *differences, models=(("a", 8.0, 60.0), ("b", 6.0, 62.1), ("c", 4.0, 64.2)), **options
    ):
        reports = [make_model(*model) for model in models]
        return dataclasses.replace(compare(reports, **options), differences=differences)

    return make


CLEAR = (apart("b", -9.0, 0.5), apart("c", -12.0, 0.5))


def test_a_single_model_has_no_verdict(make_model):
    assert compare([make_model("a", 8.0, 60.0)]).verdict == ()


def test_a_best_beyond_doubt_is_shipped_with_its_lead_over_the_next(make):
    [said] = make(*CLEAR).verdict
    assert said == (
        "Ship a: its ELBO −68.00 ± 0.45 beats every other beyond doubt, the next (b) by "
        "9.00 ± 0.50 nats."
    )


def test_the_least_rate_that_cannot_be_told_from_the_best_is_shipped(make):
    near = (apart("b", -0.1, 0.1), apart("c", -0.2, 0.1))
    less = (apart("b", -2.0, 0.01, "rate"), apart("c", -4.0, 0.01, "rate"))
    found = make(*near, *less)
    assert found.to_ship == "c"
    said, needed = found.verdict
    assert said == (
        "Ship c: its ELBO −68.20 ± 0.45 cannot be told from the best (a, −68.00 ± 0.45, "
        "z = −2.0), and its rate is 4.000 ± 0.010 nats less."
    )
    # 1000 · (2.40 · 0.1 / 0.2)², of three pairs at 5 % with Student's t of 999 degrees of freedom.
    assert "To tell c from a takes about 1500 examples rather than 1000" in needed


def test_a_rate_that_is_not_less_beyond_doubt_ships_nothing_but_the_best(make):
    near = (apart("b", -0.1, 0.1), apart("c", -0.2, 0.1))
    less = (apart("b", -2.0, 1.0, "rate"), apart("c", 4.0, 0.01, "rate"))
    found = make(*near, *less)
    assert found.to_ship == "a"
    assert found.verdict[0] == (
        "Ship a: it has the best ELBO, −68.00 ± 0.45. It cannot be told from that of b and c, "
        "which save no rate beyond doubt."
    )


def test_a_model_off_the_frontier_is_not_shipped(make):
    models = (("a", 8.0, 60.0), ("b", 6.0, 62.1), ("c", 6.5, 62.2))
    near = (apart("b", -9.0, 0.1), apart("c", -0.7, 1.0), apart("c", -1.5, 0.01, "rate"))
    assert make(*near, models=models).to_ship == "a"


def test_one_comparison_among_many_has_to_be_surer(make):
    """z = 2.2 holds for a single pair at 5 %, and not for the surest of three."""
    pair = (apart("b", -2.2, 1.0),)
    assert make(*pair, models=(("a", 8.0, 60.0), ("b", 6.0, 62.1))).best_is_certain
    found = make(apart("b", -2.2, 1.0), apart("c", -9.0, 1.0))
    assert found.best_is_certain is False
    assert "beyond doubt, the next" not in " ".join(found.verdict)


def test_what_is_not_paired_is_not_shipped(make):
    found = make(*(dataclasses.replace(d, paired=False) for d in CLEAR))
    assert found.to_ship == ""
    [said] = found.verdict
    assert "a has the best ELBO" in said
    assert "9.00 ± 0.50 nats ahead of b, but nothing says that it is the best" in said
    assert "Compare stores" in said


def test_so_few_examples_that_no_error_is_known_ship_nothing(make):
    [said] = make(apart("b", -9.0, None), apart("c", -9.0, None)).verdict
    assert "Evaluate on more." in said


def test_beside_a_model_that_was_named_nothing_is_shipped(make):
    found = make(
        dataclasses.replace(apart("a", 9.0, 0.5), second="c"),
        dataclasses.replace(apart("b", 0.1, 0.5), second="c"),
        against="c",
    )
    [said] = found.verdict
    assert said.startswith(
        "a has the best ELBO, −68.00 ± 0.45; beside c, which was named, a is better"
    )
    assert said.endswith("b cannot be told from it.")
    assert make(*CLEAR, against="a").to_ship == ""


def test_side_by_side_nothing_is_chosen(make):
    assert "Choose none" in make(side_by_side=True).verdict[0]


def test_models_without_an_elbo_are_not_chosen_by_it(make, make_model):
    encoders = [make_model(name, rate) for name, rate in (("a", 3.0), ("b", 4.0))]
    assert "no model has an ELBO" in compare(encoders).verdict[0]
    assert "Only c has an ELBO" in compare([*encoders, make_model("c", 4.0, 60.0)]).verdict[0]


def test_distortions_of_several_kinds_choose_none(make_report):
    density = Notice(code="density-distortion", message="", remedy="")
    found = compare([make_report(model="a"), make_report(model="b", warnings=[density])])
    assert "densities" in found.verdict[0]


def with_saving(comparison, make_estimate, savings):
    """The comparison with what a fitted prior would save of each model."""
    reports = []
    for r in comparison.reports:
        saving = make_estimate("prior_saving", savings[r.model])
        reports.append(dataclasses.replace(r, estimates={**r.estimates, "prior_saving": saving}))
    return dataclasses.replace(comparison, reports=tuple(reports))


def test_a_prior_that_would_change_the_order_is_refitted_first(make, make_estimate):
    found = with_saving(make(*CLEAR), make_estimate, {"a": 1.0, "b": 14.0, "c": 2.0})
    # From −68.1 + 14 and −68 + 1; errors of 0.5, 0.25 and 0.25 add up to 0.61.
    assert found.verdict[1] == (
        "Refit the priors first (--write-prior): with one fitted to its codes b would gain "
        "14.00 ± 0.25 nats and lead a by 12.90 ± 0.61."
    )
    same = with_saving(make(*CLEAR), make_estimate, {"a": 1.0, "b": 2.2, "c": 2.0})
    assert len(same.verdict) == 1, "a lead within its error changes no order"


def test_a_prior_that_costs_the_shipped_model_is_worth_a_sentence(make, make_estimate):
    found = with_saving(make(*CLEAR), make_estimate, {"a": 3.0, "b": 0.0, "c": 0.0})
    mismatch = [Notice(code="prior-mismatch", message="", remedy="")]
    reports = tuple(dataclasses.replace(r, warnings=mismatch) for r in found.reports)
    assert dataclasses.replace(found, reports=reports).verdict[1] == (
        "Refit the prior of a (--write-prior): it would save 3.00 ± 0.25 nats, without retraining."
    )


def test_the_numbers_are_in_the_unit_asked_for(make):
    assert "ELBO −98.10 ± 0.65" in verdict_of(make(*CLEAR), "bits")[0]


def test_a_name_cannot_write_to_the_terminal(make):
    models = (("a\x1b[31m", 8.0, 60.0), ("b", 6.0, 70.0))
    assert "\x1b" not in "".join(make(models=models).verdict)


def test_words_of_numbers_and_names():
    assert [places(e, 3) for e in (0.146, 0.0996, 1e-9, 40.0, None)] == [2, 2, 3, 0, 3]
    assert [two_digits(n) for n in (7.2, 1234.0, 99999.0)] == [8, 1300, 100000]
    assert some_of(["a", "b", "c", "d"]) == "a, b, c and 1 more"
