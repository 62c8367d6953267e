from dataclasses import replace

import numpy as np
import pytest
import torch

import genprobe
from genprobe.store.label_terms import read_label_terms, terms_path
from genprobe.store.report_cache import cached_report, with_terms, with_terms_of_store

N = 200
QUICK = {"device": "cpu", "max_queries": 256}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    loc = np.random.default_rng(0).normal(size=(N, 2))
    return genprobe.evaluate_posteriors(
        {"loc": loc, "scale": np.ones_like(loc)},
        labels={"y": np.arange(N) % 2},
        store=tmp_path_factory.mktemp("terms") / "s.h5",
        device="cpu",
    )


@pytest.fixture
def content(made):
    path = terms_path(made.store.path)
    before = path.read_bytes()
    yield path
    path.write_bytes(before)


def test_the_cached_report_has_the_terms_of_its_labels(made):
    [found] = with_terms(cached_report(made.store), made.store).labels.values()
    torch.testing.assert_close(found.terms, made.labels["y"].terms, equal_nan=True)
    assert found == made.labels["y"]


def test_a_report_in_a_file_has_the_terms_of_labels_that_its_store_tells_alike(made):
    again = genprobe.Report.from_json(made.to_json())
    [found] = with_terms_of_store(again, made.store).labels.values()
    torch.testing.assert_close(found.terms, made.labels["y"].terms, equal_nan=True)
    changed = {"y": replace(again.labels["y"], accuracy=0.123)}
    [other] = with_terms_of_store(replace(again, labels=changed), made.store).labels.values()
    assert other.terms is None


FAULTS = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-40]),
    "gone": lambda path: path.unlink(),
    "other": lambda path: path.write_bytes(b"text"),
    "objects": lambda path: np.savez(path, about=np.array([None], object)),
    "short": lambda path: np.savez(
        path, about='{"report": "x", "labels": ["y"]}', **{"0": np.zeros(3)}
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_report_costs_no_terms_that_are_damaged_or_of_another(made, content, fault):
    FAULTS[fault](content)
    assert read_label_terms(made.store.path, "x", N) == {}
    assert with_terms(cached_report(made.store), made.store).labels["y"].terms is None
