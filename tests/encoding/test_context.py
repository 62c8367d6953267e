import math

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

import genprobe
from genprobe import Dataset, Model
from genprobe.encoding.context import context_of, rows_of
from genprobe.errors import GenprobeError, ModelError, StoreError

N, V = 1500, 0.25
G = torch.Generator().manual_seed(0)
SHIFT = 3.0 * torch.randint(0, 3, (N,), generator=G) - 3
X = torch.randn(N, 1, generator=G) + SHIFT[:, None] + V**0.5 * torch.randn(N, 1, generator=G)


def shifted(covariates):
    """x = z + c + noise of variance V, with c among −3, 0 and 3."""
    return Dataset(
        name="shifted",
        n=N,
        event_shape=torch.Size([1]),
        read=lambda start, stop: X[start:stop],
        covariates=covariates,
    )


def channel(**changes):
    """Its exact decoder p(x|z, c) and posterior q(z|x, c)."""
    parts = {
        "name": "channel",
        "encode": lambda x, shift: {
            "loc": (x - shift[:, None]) / (1 + V),
            "scale": torch.full_like(x, (V / (1 + V)) ** 0.5),
        },
        "decode": lambda z, shift: {"loc": z + shift[:, None], "scale": torch.tensor(V**0.5)},
        "posterior": "diagonal-normal",
        "prior": "standard-normal",
        "likelihood": "normal",
        "condition": lambda x, covariates: {"shift": torch.as_tensor(covariates["shift"])},
    }
    return Model(**(parts | changes))


DATA = shifted(lambda start, stop: {"shift": SHIFT[start:stop].double().numpy()})


@pytest.fixture(scope="module")
def report():
    return genprobe.evaluate(channel(), DATA, draws=8, dtype="float64", device="cpu")


def test_the_rate_is_that_of_the_posterior_given_the_context(report):
    q = Normal((X.double()[:, 0] - SHIFT) / (1 + V), (V / (1 + V)) ** 0.5)
    truth = kl_divergence(q, Normal(torch.zeros(N).double(), 1.0)).mean()
    assert report["rate"].value == pytest.approx(float(truth), rel=1e-10)


def test_the_distortion_is_that_of_the_decoder_given_the_context(report):
    loc, s = (X.double()[:, 0] - SHIFT) / (1 + V), V / (1 + V)
    square = ((X.double()[:, 0] - SHIFT - loc) ** 2 + s).mean()
    truth = float(0.5 * math.log(2 * math.pi * V) + square / (2 * V))
    found = report["distortion"]
    assert abs(found.value - truth) < 4 * found.se


def test_the_slope_and_the_round_trip_are_those_of_an_exact_posterior(report):
    found = report["slope"]
    assert abs(found.value - 1) < 4 * found.se_data
    found = report["generative_mutual_information"]
    assert abs(found.value - 0.5 * math.log(1 + 1 / V)) < 4 * found.se


def test_draws_do_not_depend_on_the_batch_size():
    few, many = (
        genprobe.evaluate(channel(), DATA, batch_size=size, max_queries=50).estimates
        for size in (7, 1024)
    )
    for name in ("rate", "distortion", "slope", "generative_mutual_information"):
        assert few[name].value == pytest.approx(many[name].value, rel=1e-6)


def test_the_report_and_the_store_say_what_was_given(tmp_path):
    found = genprobe.evaluate(channel(), DATA, store=tmp_path / "s.h5", max_queries=50)
    assert found.provenance["context"] == ["shift"]
    shown = genprobe.report_from_store(genprobe.open_store(tmp_path / "s.h5"), max_queries=50)
    assert shown.provenance["context"] == ["shift"]
    other = shifted(lambda start, stop: {"shift": SHIFT[start:stop] + 1})
    with pytest.raises(StoreError, match=r"another data set: the context \(shift\)"):
        genprobe.evaluate(channel(), other, store=tmp_path / "s.h5", max_queries=50)


def test_models_that_are_given_different_things_are_not_compared():
    blind = channel(
        name="blind",
        condition=None,
        encode=lambda x: {"loc": x / 8, "scale": torch.full_like(x, 0.3)},
        decode=lambda z: {"loc": 8 * z, "scale": torch.tensor(0.5)},
    )
    a, b = (genprobe.evaluate(m, DATA, max_queries=50) for m in (channel(), blind))
    assert b.provenance["context"] == []
    with pytest.raises(GenprobeError, match="channel is conditional on shift and blind on nothing"):
        genprobe.compare([a, b])
    again = genprobe.evaluate(channel(name="again"), DATA, max_queries=50)
    assert len(genprobe.compare([a, again]).reports) == 2


def test_covariates_that_are_missing_are_named():
    for covariates, there in ((None, "none"), (lambda a, b: {"batch": np.zeros(b - a)}, "batch")):
        with pytest.raises(ModelError, match=f"covariate 'shift'; shifted has {there}"):
            context_of(channel(), shifted(covariates), X[:5], 0)


@pytest.mark.parametrize(
    ("shift", "message"),
    [
        (torch.zeros(3), "a shift that is not a tensor of 5 rows"),
        (torch.tensor(1.0), "a shift that is not a tensor of 5 rows"),
        ([0.0] * 5, "a shift that is not a tensor of 5 rows"),
        (torch.tensor([0, 0, torch.nan, 0, 0]), "not finite, at example 12"),
    ],
)
def test_a_context_is_one_finite_row_an_example(shift, message):
    with pytest.raises(ModelError, match=message):
        context_of(channel(condition=lambda x, c: {"shift": shift}), DATA, X[:5], 10)


def test_a_model_without_a_condition_is_given_nothing():
    assert context_of(channel(condition=None), DATA, X[:5], 0) == {}


def test_floating_point_takes_the_dtype_of_x_and_codes_stay_whole():
    model = channel(condition=lambda x, c: {"size": x.double().sum(1), "code": torch.arange(5)})
    found = context_of(model, DATA, X[:5], 0)
    assert (found["size"].dtype, found["code"].dtype) == (torch.float32, torch.int64)
    assert rows_of(found, slice(1, 3))["code"].tolist() == [1, 2]
    assert rows_of(found, torch.tensor([4, 0]))["code"].tolist() == [4, 0]


def test_covariates_survive_binarisation():
    binary = genprobe.open_dataset(
        Dataset(
            name="grey",
            n=4,
            event_shape=torch.Size([1]),
            read=lambda start, stop: torch.full((stop - start, 1), 0.7),
            covariates=lambda start, stop: {"label": torch.arange(start, stop)},
        ),
        binarize="threshold",
    )
    assert binary.covariates is not None
    assert binary.covariates(1, 3)["label"].tolist() == [1, 2]


def test_a_condition_that_works_in_place_changes_neither_the_data_nor_the_covariates():
    x, arrays = X[:4].clone(), {"shift": SHIFT[:4].clone(), "array": SHIFT[:4].numpy().copy()}

    def condition(x, covariates):
        x.zero_()
        covariates["array"] += 1
        return {"shift": covariates["shift"].add_(1)}

    data = shifted(lambda start, stop: arrays)
    context_of(channel(condition=condition), data, x, 0)
    assert torch.equal(x, X[:4])
    assert torch.equal(arrays["shift"], SHIFT[:4])
    assert (arrays["array"] == SHIFT[:4].numpy()).all()
