"""What the code says of labels, from the public functions down to the report."""

import dataclasses
import shutil

import numpy as np
import pytest
import torch

import genprobe
from genprobe.analysis.labels import given_to_model
from genprobe.estimators.mutual_information import mutual_information
from genprobe.estimators.rate import rate
from genprobe.report import Report
from genprobe.store.labels import add_labels, read_labels
from genprobe.store.report_cache import cached_report, write_cached_report

N = 240
KIND = np.arange(N) % 3
BATCH = np.arange(N) // 80 % 2
FEW = {"rate": rate, "mutual_information": mutual_information}
QUICK = {"device": "cpu", "max_queries": 512, "estimators": FEW}


def posteriors():
    loc = np.random.default_rng(0).normal(size=(N, 2))
    loc[:, 1] += 4 * KIND
    return {"loc": loc, "scale": np.full_like(loc, 0.5)}


def evaluate(**options):
    return genprobe.evaluate_posteriors(posteriors(), **QUICK, **options)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("labels") / "s.h5"
    return evaluate(store=path, labels={"kind": KIND}, leaks={"batch": BATCH})


def test_a_report_has_what_the_code_says_of_each_label(made):
    kind, batch = made.labels["kind"], made.labels["batch"]
    assert list(made.labels) == ["kind", "batch"]
    assert kind["label_entropy"].value == pytest.approx(np.log(3), rel=1e-6)
    assert 0.8 < kind["label_information"].value / kind["label_entropy"].value <= 1
    assert kind.informative[0] == 1
    assert kind.leak is None
    assert batch["label_information"].value < 0.05
    assert batch.leak.permutations >= 99
    assert not batch.leak.found


def test_the_numbers_without_labels_stay_what_they_were(made):
    assert evaluate().estimates == made.estimates


def test_a_store_and_json_have_them_without_the_files(made):
    store = genprobe.open_store(made.store.path)
    again = genprobe.report_from_store(store, max_queries=512, estimators=FEW)
    assert again.labels == made.labels
    assert Report.from_json(made.to_json()).labels == made.labels


def test_a_cached_report_is_not_taken_once_labels_are_added(made, tmp_path):
    path = shutil.copy(made.store.path, tmp_path / "s.h5")
    store = genprobe.open_store(path)
    write_cached_report(
        dataclasses.replace(made, provenance={**made.provenance, "asked": {}}), path
    )
    assert cached_report(store).labels == made.labels
    add_labels(path, read_labels(store).values(), leaks=["kind"])
    assert cached_report(genprobe.open_store(path)) is None


def test_examples_without_a_label_are_left_out_and_counted():
    gaps = [None if i < 30 else str(k) for i, k in enumerate(KIND)]
    kind = evaluate(labels={"kind": gaps}).labels["kind"]
    assert (kind.n, kind.missing) == (N - 30, 30)


def test_few_examples_have_no_error_over_the_data():
    few = {name: values[:100] for name, values in posteriors().items()}
    kind = genprobe.evaluate_posteriors(few, labels={"kind": KIND[:100]}, **QUICK).labels["kind"]
    assert all(not each.se_data for each in kind.estimates.values())


def test_of_a_code_of_points_the_predictors_still_tell():
    loc = posteriors()["loc"]
    report = genprobe.evaluate_posteriors(
        {"loc": loc}, family="delta", prior="standard-normal", labels={"kind": KIND}, **QUICK
    )
    assert report.labels["kind"]["label_information"].value > 0.8


def conditional(given):
    def encode(x, **context):
        return {"loc": x, "scale": 1 + 0 * x}

    return genprobe.Model(
        name="conditional",
        encode=encode,
        posterior="diagonal-normal",
        prior="standard-normal",
        condition=lambda x, covariates: {"c": given(x, covariates)},
    )


CONTEXTS = {
    "itself": (lambda x, c: c["kind"], ["kind"]),
    "one-hot": (lambda x, c: torch.nn.functional.one_hot(c["kind"], 3).to(x), ["kind"]),
    "both": (lambda x, c: torch.stack([c["kind"], c["batch"]], 1), ["kind", "batch"]),
    "another": (lambda x, c: c["batch"], ["batch"]),
    "the size too": (lambda x, c: torch.cat([c["kind"][:, None].to(x), x], 1), []),
}


@pytest.mark.parametrize("name", CONTEXTS)
def test_a_label_that_the_context_decides_is_given_to_the_model(tmp_path, name):
    given, expected = CONTEXTS[name]
    data = {"x": torch.from_numpy(posteriors()["loc"]).float(), "kind": KIND, "batch": BATCH}
    report = genprobe.evaluate(conditional(given), data, labels=["kind", "batch"], **QUICK)
    assert report.provenance["labels_given"] == expected
    store = report.store
    named = dataclasses.replace(store.header, context=("kind",))
    labels = read_labels(store).values()
    assert "kind" in given_to_model(dataclasses.replace(store, header=named), labels)
