import numpy as np
import pytest
import torch

from genprobe.errors import ModelError
from genprobe.loaders.recorded import from_posteriors

N, K = 20, 3
RANDOM = np.random.default_rng(0)
LOC = RANDOM.normal(size=(N, K)).astype(np.float32)
SCALE = RANDOM.uniform(0.1, 1, (N, K)).astype(np.float32)
DISTORTION = RANDOM.normal(size=N)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({}, "holds no posteriors"),
        ({"loc": LOC[:0], "scale": SCALE[:0]}, "holds no posteriors"),
        ({"loc": LOC, "scale": SCALE[:5]}, r"disagree in the number of examples: loc \(20, 3\)"),
        ({"loc": LOC, "scale": np.float32(1)}, "holds a single number as scale"),
        ({"loc": LOC > 0, "scale": SCALE}, "holds bool as loc, not real numbers"),
        ({"loc": LOC.astype(complex), "scale": SCALE}, "holds complex128 as loc"),
        ({"loc": LOC, "scale": SCALE, "distortion": DISTORTION[:5]}, r"distortion .* shape \(5,\)"),
        (
            {"loc": LOC, "scale": SCALE, "distortion": np.zeros((0, N))},
            r"distortion .* shape \(0, 20\) for 20 examples",
        ),
        ({"loc": LOC, "scale": SCALE, "distortion": np.zeros((1, 1, N))}, "distortion .* shape"),
    ],
)
def test_arrays_that_do_not_fit_are_named(arrays, words):
    given = {k: v for k, v in arrays.items() if k != "distortion"}
    with pytest.raises(ModelError, match=words) as error:
        from_posteriors(given, distortion=arrays.get("distortion"))
    assert error.value.remedy


@pytest.mark.parametrize("where", ["loc", "distortion"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_named_with_its_example(where, value):
    arrays = {"loc": LOC.copy(), "scale": SCALE, "distortion": DISTORTION.copy()}
    arrays[where][11] = value
    record = from_posteriors(
        {k: arrays[k] for k in ("loc", "scale")}, distortion=arrays["distortion"]
    ).recorded
    read = record.params if where == "loc" else record.distortion
    read(0, 11)
    with pytest.raises(ModelError, match=f"of {where} that is not finite, at example 11"):
        read(10, 15)


def test_a_draw_that_is_not_finite_is_named_with_its_example():
    draws = np.zeros((2, N))
    draws[1, 7] = np.nan
    record = from_posteriors({"loc": LOC, "scale": SCALE}, distortion=draws).recorded
    with pytest.raises(ModelError, match="distortion that is not finite, at example 7"):
        record.distortion(5, 9)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"index": LOC > 0}, "holds bool as index.*\n.*whole numbers"),
        ({"index": LOC.round(), "levels": 2}, "levels beside index.*\n.*family residual-codes"),
        ({"index": LOC.round(), "loc": LOC}, "loc beside index, which is no parameter of codes"),
    ],
)
def test_what_is_no_index_is_said(arrays, words):
    with pytest.raises(ModelError, match=words):
        from_posteriors(arrays)


def test_a_record_encodes_nothing():
    with pytest.raises(ModelError, match="cannot encode other examples"):
        from_posteriors({"loc": LOC, "scale": SCALE}).encode(torch.zeros(1))
