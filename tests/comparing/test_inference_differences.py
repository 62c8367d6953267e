import dataclasses

import pytest
import torch

import genprobe
from genprobe.comparing.inference_differences import LOST, inference_differences
from genprobe.render.data.csv import to_csv
from genprobe.render.data.json import comparison_schema, to_dict
from genprobe.runs import annealing_stages
from genprobe.runtime import json_schema

X = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Two encoders of one decoder, one of them further off, on the same examples."""
    folder = tmp_path_factory.mktemp("stores")

    def model(name, shift):
        return genprobe.Model(
            name=name,
            encode=lambda x: {"loc": x / 2 + shift, "scale": torch.full_like(x, 0.7)},
            decode=lambda z: {"loc": z, "scale": torch.ones_like(z)},
            posterior="diagonal-normal",
            prior="standard-normal",
            likelihood="normal",
        )

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(annealing_stages, "STEPS", 40)
        patched.setattr(annealing_stages, "ITERATED", (1,))
        return {
            name: genprobe.evaluate(
                model(name, shift),
                X,
                store=folder / f"{name}.h5",
                inference=20,
                max_steps=4,
                max_queries=100,
                device="cpu",
            )
            for name, shift in (("near", 0.1), ("far", 1.0))
        }


def test_models_are_compared_on_the_examples_of_both(reports):
    found = {d.name: d for d in inference_differences(reports, "near")}
    assert list(found) == list(LOST)
    gap = found["amortization_gap"]
    # KL of N(x/2 + s, ½) to the posterior N(x/2, ½) is s² a value of z.
    assert abs(gap.value - 3 * (1 - 0.01)) < 4 * gap.se
    assert all(d.paired and d.n == 20 for d in found.values())
    own = reports["far"]["ais_bound"].se
    assert found["ais_bound"].se < own / 2


def test_without_a_store_their_own_errors_are_added(reports):
    alone = dataclasses.replace(reports["far"], store=None)
    found = inference_differences({**reports, "far": alone}, "near")
    assert not any(d.paired for d in found)
    gap = next(d for d in found if d.name == "inference_gap")
    assert gap.value == alone["inference_gap"].value - reports["near"]["inference_gap"].value


def test_what_nobody_looked_into_has_no_difference(reports):
    plain = dataclasses.replace(reports["far"], inference=None)
    assert inference_differences({**reports, "far": plain}, "near") == []
    assert inference_differences({**reports, "near": plain}, "near") == []


def test_a_comparison_has_them_in_json_and_csv(reports):
    comparison = genprobe.compare(list(reports.values()))
    content = to_dict(comparison)
    json_schema.require_valid(content, comparison_schema())
    assert {d["name"] for d in content["inference_differences"]} == set(LOST)
    assert "inference_gap_difference_se" in to_csv(comparison).splitlines()[0]
