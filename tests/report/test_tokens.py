import json
from dataclasses import replace

import pytest
import torch

import genprobe
from genprobe import Report
from genprobe.report.tokens import TokenReport


@pytest.fixture(scope="module")
def report():
    index = torch.randint(5, (200, 2, 3), generator=torch.Generator().manual_seed(0))
    params = {"index": index, "classes": 8}
    return genprobe.evaluate_posteriors(params, family="residual-codes", event_shape=(1, 4, 4))


def test_tokens_survive_json(report):
    assert Report.from_json(report.to_json()).tokens == report.tokens
    content = json.loads(report.to_json())["tokens"]
    assert content["shape"] == [2, 3]
    assert content["unused"] == [5, 6, 7]
    assert [set(b) for b in content["bounds"]] == [
        {"candidate", "nats", "bits_per_token", "bits_per_pixel"}
    ] * len(report.tokens.bounds)


def test_groups_of_equal_vectors_survive_it_too(report):
    grouped = replace(report.tokens, duplicates=((0, 3), (1, 4, 5)))
    assert TokenReport.from_dict(json.loads(json.dumps(grouped.to_dict()))) == grouped


def test_bounds_are_found_by_name(report):
    assert report.tokens.tokens == 6
    assert report.tokens.bound("uniform").bits_per_token == pytest.approx(3)
    assert report.tokens.bound("none") is None
    assert report.tokens.best.nats.value == min(b.nats.value for b in report.tokens.bounds)
