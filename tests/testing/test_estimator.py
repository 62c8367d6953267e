import itertools

import pytest

import genprobe
from genprobe.errors import UnavailableError
from genprobe.plugins.manager import find_plugins
from genprobe.testing import EstimatorTests
from genprobe.testing.examples import ANNEALED
from genprobe.types import Estimate

NAME = "test_its_estimate_has_the_registered_name"
ASKS = "test_it_asks_for_quantities_by_name"
SOUND = "test_its_estimates_are_sound"
SHOWN = "test_its_report_can_be_shown_and_kept"
SAME = "test_it_gives_the_same_every_time"
ROW = "test_its_row_is_as_its_estimates_are"
OTHERS = "test_it_leaves_the_other_estimates_as_they_are"

BUILT_IN = find_plugins([]).all("estimators")
GAPS = ("ais_bound", "inference_gap", "amortization_gap", "approximation_gap")
OF_GRIDS = ("scaling_factor", "shift_factor", "spectrum_slope")
OF_TOKENS = ("code_entropy", "code_perplexity", "code_usage")
WORKS_ON = {
    **dict.fromkeys(GAPS, ANNEALED),
    **dict.fromkeys(OF_GRIDS, "codes on a grid"),
    **dict.fromkeys(OF_TOKENS, "codes of a quantiser"),
}
"""Of estimators that are of some models alone, one of these."""


def suite(part, **members):
    return type("TestPart", (EstimatorTests,), {"part": part, "name": "wanted", **members})


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_built_in_estimators_pass(failing, name):
    works_on = (WORKS_ON.get(name, "a model with a decoder"),)
    assert failing(suite(BUILT_IN[name], name=name, works_on=works_on)) == {}


def estimate(**changes):
    parts = {"name": "wanted", "value": 1.0, "se": 0.0, "se_data": None, "kind": "exact", "n": 1}
    return Estimate(**(parts | changes))


def right(n):
    return estimate(n=n)


def unknown(entropy_rate):
    return estimate()


def anything(**quantities):
    return estimate()


def misnamed(n):
    return estimate(name="other")


def negative_error(n):
    return estimate(se=-1.0)


def infinite(n):
    return estimate(value=float("inf"))


def of_no_kind(n):
    return estimate(kind="guess")


def of_no_examples(n):
    return estimate(n=0)


def plain_number(n):
    return 1.0


def needs_a_decoder(n, distortion):
    return estimate(n=n)


def silent(n):
    raise UnavailableError("")


def divides(n, rate):
    return estimate(value=1 / int(rate.mean() > 1e-3))


def changes_the_rate(rate):
    rate += 1
    return estimate()


@genprobe.estimator(unit="examples")
def of_another_unit(n):
    return estimate(n=n)


@genprobe.estimator(bound="upper")
def of_another_bound(n):
    return estimate(kind="lower", n=n)


@genprobe.estimator(heading="a heading that is long")
def of_a_wide_heading(n):
    return estimate(n=n)


calls = itertools.count()


def counts(n):
    return estimate(value=float(next(calls)))


WRONG = {
    "asks for an unknown name": (unknown, {ASKS: "entropy_rate, which is not a quantity"}),
    "asks for anything": (anything, {ASKS: "names what it needs"}),
    "reports another name": (misnamed, {NAME: "'wanted' and calls its estimate 'other'"}),
    "negative standard error": (negative_error, {SOUND: "se is -1.0"}),
    "infinite": (infinite, {NAME: "it gives no estimate"}),
    "of no kind": (of_no_kind, {SOUND: "kind is 'guess'"}),
    "of no examples": (of_no_examples, {SOUND: "n is 0"}),
    "fails for a collapsed model": (divides, {SOUND: "division by zero"}),
    "unavailable without a reason": (silent, {NAME: "does not say why", SOUND: "does not say why"}),
    "changes what it is given": (changes_the_rate, {OTHERS: "is another"}),
    "of another unit than its row": (of_another_unit, {ROW: "its row has examples"}),
    "of another bound than its row": (of_another_bound, {ROW: "its estimate is lower"}),
    "of a heading that is too wide": (of_a_wide_heading, {ROW: "too wide for a column"}),
    "another number every time": (counts, {SAME: "it says"}),
}


@pytest.mark.parametrize("part", [right, needs_a_decoder])
def test_a_right_estimator_passes(failing, part):
    assert failing(suite(part)) == {}


@pytest.mark.parametrize(("part", "failures"), WRONG.values(), ids=WRONG)
def test_a_wrong_estimator_fails_in_its_own_test(failing, part, failures):
    found = failing(suite(part))
    assert failures.keys() <= found.keys(), found
    for name, words in failures.items():
        assert words in found[name]
    # What gives no sound estimate cannot be shown either, or found twice.
    assert found.keys() - failures.keys() <= {NAME, SOUND, SHOWN, SAME, OTHERS, ROW}, found


def test_a_number_is_no_estimate(failing):
    assert set(failing(suite(plain_number))) >= {NAME, SOUND}
