import math

import pytest
from scipy.integrate import quad
from scipy.stats import norm

from genprobe.render.rate_parts import label_part, parts_of, strip_labels


def hypercube(a, s, bits):
    """I(X;Z) and R in nats of the linear code N(a x, s²) of uniform signs x under N(0, 1)."""
    lost = quad(lambda e: norm.pdf(e) * math.log1p(math.exp(-2 * a * (a + s * e) / s**2)), -12, 12)
    information = math.log(2) - lost[0]
    return bits * information, bits / 2 * (s**2 + a**2 - 1 - math.log(s**2))


@pytest.mark.parametrize(("a", "s"), [(0.5, 0.75**0.5), (0.9, 0.19**0.5), (0.95, 0.25), (1, 0.1)])
def test_bounds_that_meet_leave_nothing_open_and_all_mismatch_is_the_marginal_kl(make_model, a, s):
    information, rate = hypercube(a, s, bits=10)
    report = make_model("cube", rate, information=information, upper=information)
    found = parts_of(report)
    assert found == pytest.approx((information, 0.0, rate - information, 0.0), abs=1e-12)
    assert sum(found) == pytest.approx(rate, abs=1e-12)


@pytest.mark.parametrize(
    ("information", "upper", "expected"),
    [
        (6.0, 15.0, (6.0, 9.0, 5.0, 0.0)),
        (6.0, None, (6.0, 0.0, 0.0, 14.0)),
        (None, 15.0, (0.0, 15.0, 5.0, 0.0)),
        (None, None, (0.0, 0.0, 0.0, 20.0)),
        (6.0, 25.0, (6.0, 14.0, 0.0, 0.0)),
        (6.1, 6.0, (6.1, 0.0, 13.9, 0.0)),
        (20.5, 21.0, (20.0, 0.0, 0.0, 0.0)),
        (-0.01, 5.0, (0.0, 5.0, 15.0, 0.0)),
    ],
)
def test_every_part_is_what_the_bounds_leave_it(make_model, information, upper, expected):
    found = parts_of(make_model("vae", 20.0, information=information, upper=upper))
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_rate_below_zero_by_its_error_has_no_parts(make_model):
    assert parts_of(make_model("vae", -0.01, information=0.001, upper=0.002)) == (0, 0, 0, 0)


def test_a_label_has_no_more_of_the_rate_than_there_is(make_model, make_label):
    labels = {"kind": make_label(information=0.5), "site": make_label("site", information=3.0)}
    report = make_model("vae", 2.0, labels=labels)
    assert [label_part(report, name) for name in ("kind", "site", "batch")] == [0.5, 2.0, 0.0]
    assert label_part(make_model("none", -0.01, labels=labels), "kind") == 0.0


def test_a_few_labels_that_most_models_have_get_strips(make_model, make_label):
    one, other = (
        make_model("vae", 2.0, labels={name: make_label(name) for name in names})
        for names in ("ab", "bcd")
    )
    assert strip_labels([one, other]) == ["b", "a", "c"]
    assert strip_labels([make_model("vae", 2.0)]) == []
