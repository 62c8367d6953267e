import re
from dataclasses import replace

import pytest
import torch

from genprobe import Model
from genprobe.datasets.from_array import array_dataset
from genprobe.encoding.calls import bind
from genprobe.encoding.encode import encode
from genprobe.encoding.resolve import prepare
from genprobe.encoding.same_model import departure, tolerance_of, what_model_changed
from genprobe.probes.distortion import distortion
from genprobe.probes.rate import rate
from genprobe.probes.unit_distortion import unit_distortion
from genprobe.store.read import open_store
from genprobe.store.stretches import stretches_of
from genprobe.store.write import StoreWriter

CPU = torch.device("cpu")
X = torch.rand(40, 3, generator=torch.Generator().manual_seed(0)) - 0.5
PROBES = {"distortion": distortion, "unit_distortion": unit_distortion, "rate": rate}
BEFORE = {
    "name": "m",
    "encode": lambda x: {"loc": x[:, :2], "scale": torch.ones(len(x), 2)},
    "decode": lambda z: {"loc": torch.cat([z, z[:, :1]], 1), "scale": torch.tensor(0.5)},
    "posterior": "diagonal-normal",
    "prior": "standard-normal",
    "likelihood": "normal",
}


def prepared(dtype="float32", **changes):
    model, data = Model(**(BEFORE | changes)), array_dataset("rows", X)
    return data, *prepare(model, data, draws=2, seed=0, dtype=dtype, device=CPU)


@pytest.fixture
def changed(tmp_path):
    """What is said to have changed of a model, from what it was by default."""

    def changed(before=BEFORE, dtype="float32", **after):
        data, header, parts = prepared(dtype, **before)
        with StoreWriter(tmp_path / "s.h5", header) as writer:
            encode(parts, data, writer, PROBES, batch_size=9, device=CPU)
        store = open_store(tmp_path / "s.h5")
        data, _, parts = prepared(dtype, **(before | after))
        calls = bind(parts, device=CPU, dtype=getattr(torch, dtype), batch_size=5)
        return what_model_changed(calls, parts.prior, data, stretches_of(store), store.header)

    return changed


def test_the_same_model_is_the_same(changed):
    assert changed() == ""


@pytest.mark.parametrize(
    ("after", "what"),
    [
        ({"encode": lambda x: {"loc": 1.001 * x[:, :2], "scale": torch.ones(len(x), 2)}}, "loc"),
        ({"encode": lambda x: {"loc": x[:, :2], "scale": torch.ones(len(x), 2) + 1e-3}}, "scale"),
        (
            {
                "decode": lambda z: {
                    "loc": torch.cat([z, z[:, :1] + 0.01], 1),
                    "scale": torch.tensor(0.5),
                }
            },
            r"log p\(x\|z\)",
        ),
        (
            {
                "prior": torch.distributions.Independent(
                    torch.distributions.Normal(torch.zeros(2), 1.001 * torch.ones(2)), 1
                )
            },
            r"log p\(z\)",
        ),
    ],
    ids=["loc", "scale", "decoder", "prior"],
)
def test_whatever_it_says_otherwise_is_named(changed, after, what):
    assert re.search(what, changed(**after))


def test_a_decoder_whose_scale_is_fitted_is_asked_at_scale_1(changed):
    before = BEFORE | {
        "decode": lambda z: {"loc": torch.cat([z, z[:, :1]], 1)},
        "likelihood": "normal-optimal-sigma",
    }
    assert changed(before) == ""
    other = {"decode": lambda z: {"loc": torch.cat([z, z[:, :1] + 0.01], 1)}}
    assert "log p(x|z)" in changed(before, **other)


def test_rounding_is_no_change_and_in_float64_there_is_less_of_it(changed):
    nearly = {"encode": lambda x: {"loc": x[:, :2] * (1 + 2e-6), "scale": 1 + 0 * x[:, :2]}}
    assert changed(**nearly) == ""
    assert "loc" in changed(dtype="float64", **nearly)


def test_a_departure_is_relative_to_a_value_and_to_all_of_its_kind():
    before = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
    size = (25 / 4) ** 0.5
    found = departure(before + torch.tensor([[0.0, 0.1], [0.2, 0.0]]), before, 0)
    torch.testing.assert_close(
        found, torch.tensor([0.1 / (4 + size), 0.2 / size]).double(), rtol=1e-5, atol=0
    )
    assert departure(torch.zeros(2, 3), torch.zeros(2, 3), 1).tolist() == [0, 0, 0]


def test_another_device_may_round_more():
    _, header, _ = prepared()
    assert header.device == "cpu"
    apart = [
        tolerance_of(replace(header, **facts), torch.device(device))
        for facts, device in (
            ({}, "cpu"),
            ({}, "cuda"),
            ({"device": "cuda"}, "cpu"),
            ({"dtype": "float64"}, "cuda"),
        )
    ]
    assert apart == [1e-4, 1e-2, 1e-2, 1e-9]
