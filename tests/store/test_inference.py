import dataclasses
import json

import numpy as np
import pytest
import torch

import genprobe
from genprobe.errors import StoreError
from genprobe.store.inference import (
    CURVE,
    SIMULATED,
    KeptInference,
    read_inference,
    write_inference,
)
from genprobe.store.labels import StoredLabel, add_labels, read_labels
from genprobe.store.sealed_file import write_sealed
from genprobe.types.label import Label

N, M = 30, 4
FACTS = {
    "temperatures": 64,
    "chains": 3,
    "tolerance": 0.01,
    "max_steps": 4096,
    "reached": True,
    "evaluations": 1000,
    "prior": "standard-normal",
}


def kept(**more):
    def some(*shape):
        return torch.randn(*shape, M).double()

    arrays = {
        "log_pz": some(),
        "log_weight": some(3),
        "before": some(2),
        "elbo": some(5),
        "best_elbo": some(5),
        "iterated_elbo/100": some(5),
        "iterated_elbo/10": some(5),
        "prior_weight": some(2),
        "acceptance": some(),
    }
    index = torch.tensor([1, 2, 20, 29])
    return KeptInference(index=index, arrays={**arrays, **more}, facts=FACTS)


def further():
    shape = {SIMULATED[0]: (3, 7), SIMULATED[1]: (3, 7), CURVE[1]: (2, 3, M), CURVE[2]: (2, 3, M)}
    arrays = {name: torch.randn(size).double() for name, size in shape.items()}
    return {**arrays, CURVE[0]: torch.tensor([0.5, 2.0]).double()}


@pytest.fixture
def store(tmp_path):
    params = {"loc": np.zeros((N, 2)), "scale": np.ones((N, 2))}
    return genprobe.evaluate_posteriors(params, store=tmp_path / "s.h5", estimators={}).store


def same(one, other):
    alike = one.arrays.keys() == other.arrays.keys() and torch.equal(one.index, other.index)
    return alike and all(torch.equal(one.arrays[k], other.arrays[k]) for k in one.arrays)


def test_a_store_has_none_until_some_is_written(store):
    assert read_inference(store) is None
    given = kept(**further())
    write_inference(store, given)
    found = read_inference(genprobe.open_store(store.path))
    assert same(found, given)
    assert found.facts == {**FACTS, "version": 1}
    assert list(found.iterated) == [10, 100]
    assert (found.simulated, found.betas) == (7, (0.5, 2.0))


def test_whoever_has_the_store_open_reads_on_and_labels_stay(store):
    label = Label(name="y", values=np.arange(N) % 2, classes=("a", "b"))
    add_labels(store.path, [StoredLabel(label=label)])
    write_inference(genprobe.open_store(store.path), kept())
    assert store.column("probes/rate").shape == (1, N)
    assert list(read_labels(store)) == ["y"]
    add_labels(store.path, [StoredLabel(label=dataclasses.replace(label, name="z"))])
    assert read_inference(store) is not None
    write_inference(genprobe.open_store(store.path), kept())
    assert list(read_labels(store)) == ["y", "z"]


def set_facts(group, **changes):
    facts = {**json.loads(group.attrs["facts"]), **changes}
    group.attrs["facts"] = json.dumps({k: v for k, v in facts.items() if v is not None})


FAULTS = {
    "index beyond": lambda g: g["index"].__setitem__(3, N),
    "index in disorder": lambda g: g["index"].__setitem__(0, 3),
    "no array": lambda g: g.__delitem__("elbo"),
    "not finite": lambda g: g["log_weight"].__setitem__((0, 0), np.inf),
    "half a curve": lambda g: g.__delitem__(CURVE[2]),
    "half of simulated": lambda g: g.__delitem__(SIMULATED[1]),
    "no facts": lambda g: g.attrs.__delitem__("facts"),
    "no JSON": lambda g: g.attrs.__setitem__("facts", "{"),
    "a fact is missing": lambda g: set_facts(g, chains=None),
    "a fact is no number": lambda g: set_facts(g, tolerance="small"),
    "iterated by name": lambda g: g.move("iterated_elbo/10", "iterated_elbo/ten"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_right_is_one_line(store, fault):
    write_inference(store, kept(**further()))
    with write_sealed(store.path, like=store.path) as file:
        FAULTS[fault](file["inference"])
    with pytest.raises(StoreError, match="damaged"):
        read_inference(genprobe.open_store(store.path))


def test_an_array_in_the_place_of_the_group_is_refused(store):
    with write_sealed(store.path, like=store.path) as file:
        file["inference"] = np.zeros(3)
    with pytest.raises(StoreError, match="damaged"):
        read_inference(genprobe.open_store(store.path))
