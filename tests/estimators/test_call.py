import math

import pytest

from genprobe.errors import DataError, PluginError, UnavailableError
from genprobe.estimators.call import estimate, require_known
from genprobe.estimators.log_n import log_n
from genprobe.types import Estimate

N = 300
"""Examples of the stores in conftest.py."""


def test_an_estimate_that_cannot_be_had_is_left_out_with_its_reason(quantities):
    def count(n):
        return Estimate(name="count", value=n, se=0.0, se_data=None, kind="exact")

    def wants_distortion(distortion):
        raise AssertionError

    found, absent, failed = estimate(
        {"count": count, "wants": wants_distortion}, quantities(store="rate only")
    )
    assert found["count"].value == N
    assert absent == {"wants": "No distortion: the model has no decoder."}
    assert not failed
    with pytest.raises(UnavailableError, match="no decoder"):
        quantities(store="rate only").distortion  # noqa: B018


def test_an_unknown_quantity_is_named_beside_the_known(quantities):
    with pytest.raises(PluginError, match=r"odd asks for wavelength[\s\S]*log_qz_loo"):
        require_known("odd", lambda n, wavelength: None)
    with pytest.raises(PluginError, match=r"asks for rates[\s\S]*Did you mean rate\?"):
        require_known("odd", lambda n, rates: None)
    _, _, [notice] = estimate({"odd": lambda rates: None}, quantities())
    assert "asks for rates" in notice.message


def test_a_quantity_that_cannot_be_had_leaves_a_default(quantities):
    def count(n, distortion=None):
        assert distortion is None
        return Estimate(name="count", value=n, se=0.0, se_data=None, kind="exact")

    found, _, _ = estimate({"count": count}, quantities(store="rate only"))
    assert found["count"].value == N


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (lambda n: n, "TypeError: it returns a int, not a genprobe.Estimate"),
        (lambda n: n / 0, "ZeroDivisionError: division by zero"),
    ],
)
def test_an_estimator_that_fails_is_set_aside_and_told(quantities, estimator, reason):
    found, absent, [notice] = estimate({"odd": estimator, "log_n": log_n}, quantities())
    assert list(found) == ["log_n"]
    assert absent == {"odd": f"The estimator odd failed: {reason}."}
    assert (notice.code, notice.message) == ("estimator-failed", absent["odd"])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_costs_its_row_and_is_told(quantities, value):
    def odd(n):
        return Estimate(name="odd", value=value, se=None, se_data=None, kind="estimate")

    found, absent, [notice] = estimate({"odd": odd, "log_n": log_n}, quantities())
    assert list(found) == ["log_n"]
    assert absent == {"odd": f"No odd: it comes out as {value:g}."}
    assert (notice.code, notice.message) == ("estimate-unavailable", absent["odd"])
    assert notice.remedy


def test_an_error_that_is_not_finite_is_not_stated(quantities):
    def odd(n):
        return Estimate(
            name="odd", value=1.0, se=0.5, se_data=math.nan, kind="estimate", remark="r"
        )

    found, absent, failed = estimate({"odd": odd}, quantities())
    assert (found["odd"].se, found["odd"].se_data) == (0.5, None)
    assert found["odd"].remark == "r; an error of it is not finite"
    assert not absent
    assert not failed


def test_a_reason_with_a_remedy_is_a_warning_once(quantities):
    def lost(n):
        raise UnavailableError("No lost: 3 of 4 are NaN.", "Look there.")

    _, absent, [notice] = estimate({"lost": lost, "again": lost}, quantities())
    assert absent == dict.fromkeys(["lost", "again"], "No lost: 3 of 4 are NaN.")
    assert (notice.message, notice.remedy) == ("No lost: 3 of 4 are NaN.", "Look there.")


def test_an_error_of_the_estimators_own_costs_no_other_row(quantities):
    def odd(n):
        raise DataError("These data are odd.", "Give others.")

    found, absent, [notice] = estimate({"odd": odd, "log_n": log_n}, quantities())
    assert list(found) == ["log_n"]
    assert absent == {"odd": "The estimator odd failed: These data are odd."}
    assert notice.code == "estimator-failed"


def test_running_out_of_memory_is_no_fault_of_an_estimator(quantities):
    def greedy(n):
        raise MemoryError

    with pytest.raises(MemoryError):
        estimate({"greedy": greedy}, quantities())
