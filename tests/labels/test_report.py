"""The report of a label, end to end from posteriors."""

import numpy as np
import pytest
import torch

import genprobe
from genprobe.aggregate.distinct import DistinctExamples
from genprobe.errors import UnavailableError
from genprobe.labels import features
from genprobe.labels.report import known_examples
from genprobe.plugins import plugins
from genprobe.report.labels import LabelReport
from genprobe.runtime.progress import Progress

N = 300
MEANS = torch.tensor([[1.5, 0.0, 0.0], [-1.5, 0.0, 0.0], [0.0, 1.5, 0.0]]).double()


@pytest.fixture(scope="module")
def evaluated():
    def make(loc, scale, labels, leaks=(), names=("mutual_information",), **options):
        estimators = {name: plugins().get("estimators", name) for name in names}
        return genprobe.evaluate_posteriors(
            {"loc": loc, "scale": scale}, labels=labels, leaks=leaks, estimators=estimators,
            device="cpu", **options,
        )  # fmt: skip

    return make


@pytest.fixture(scope="module")
def report(evaluated, normals):
    y, loc, scale = normals(MEANS, N, 0)
    torch.manual_seed(900)
    some = torch.where(torch.rand(N) < 0.2, -1, y)
    text = np.array(["abc"[i] if i >= 0 else "" for i in some.tolist()])
    noise = torch.randint(2, (N,))
    labels = {"y": y.numpy(), "some": text, "noise": noise.numpy()}
    names = ("mutual_information", "rate", "mutual_information_population_upper")
    return evaluated(loc, scale, labels, ["noise"], names)


def test_every_estimate_is_there_and_in_order(report, information):
    found = report.labels["y"]
    values = {name: e.value for name, e in found.estimates.items()}
    truth = information(MEANS[:, :2])
    assert found["label_information"].value == pytest.approx(truth, abs=0.15)
    assert values["label_information"] <= values["label_information_upper"]
    assert values["label_information_index"] <= values["label_entropy"] + 1e-9
    assert values["label_share"] == values["label_information"] / values["label_entropy"]
    assert values["label_remainder"] <= values["label_remainder_upper"]
    whole = values["label_information_index"] + values["label_remainder"]
    assert whole == pytest.approx(report["mutual_information"].value, abs=0.1)
    assert set(found.informative) == {0, 1}
    assert 0.6 < found.accuracy < 1
    means = np.array([d.class_means for d in found.dimensions])
    np.testing.assert_allclose(means.T, MEANS, atol=0.4)


def test_missing_values_are_left_out_and_counted(report):
    found, whole = report.labels["some"], report.labels["y"]
    assert found.n + found.missing == N
    assert 30 < found.missing < 90
    assert found.classes == ("a", "b", "c")
    error = 3 * found["label_information"].se_data
    assert found["label_information"].value == pytest.approx(
        whole["label_information"].value, abs=error
    )
    assert int((~found.terms.isnan()).sum()) == found.n


def test_a_label_of_noise_does_not_leak(report):
    leak = report.labels["noise"].leak
    assert not leak.found
    assert leak.lower == 0
    assert leak.p_value > 0.05
    assert 0 < leak.power < 0.2
    assert report.labels["noise"]["label_information"].value < 0.02
    assert report.labels["y"].leak is None


def test_it_is_the_same_from_plain_types(report):
    for name, found in report.labels.items():
        assert LabelReport.from_dict(name, found.to_dict()) == found


def test_copies_of_every_example_change_no_figure_but_the_errors(evaluated, normals):
    y, loc, scale = normals(MEANS[:2], 200, 1)
    options = {"max_queries": 2000, "names": ("mutual_information",)}
    once = evaluated(loc, scale, {"y": y.numpy()}, **options).labels["y"]
    twice = evaluated(
        loc.repeat(4, 1), scale.repeat(4, 1), {"y": y.repeat(4).numpy()}, **options
    ).labels["y"]
    for name in ("label_information_index", "label_information"):
        error = 4 * (once[name].se or 0.0) + 0.05
        assert twice[name].value == pytest.approx(once[name].value, abs=error)
        assert twice[name].se_data > 0.7 * once[name].se_data  # not half, as of four times as many


def test_a_label_of_one_class_has_no_report(label):
    with pytest.raises(UnavailableError, match="single class"):
        known_examples(label([0, -1, *[0] * 20]), None)


def test_a_label_of_few_distinct_examples_has_no_report(label):
    copies = DistinctExamples.of(torch.arange(40) // 8)
    with pytest.raises(UnavailableError, match="fewer than 10 distinct"):
        known_examples(label([0, 1] * 20), copies)


def test_points_have_no_index_figure_and_a_lower_bound(evaluated, normals):
    y, loc, _ = normals(MEANS, N, 3)
    report = genprobe.evaluate_posteriors(
        {"loc": loc}, family="delta", labels={"y": y.numpy()}, device="cpu"
    )
    found = report.labels["y"]
    assert "label_information_index" not in found.estimates
    assert found["label_information"].value > 0.2
    assert found["label_information_upper"].value == found["label_entropy"].value


def test_the_display_is_told_of_every_label_and_refit(evaluated, normals):
    y, loc, scale = normals(MEANS, 60, 0)
    done, said = {}, []
    progress = Progress(
        advance=lambda stage, step, total: done.setdefault(stage, []).append((step, total)),
        say=lambda stage, text: said.append((stage, text)),
    )
    evaluated(loc, scale, {"y": y.numpy()}, {"half": [0, 1] * 30}, progress=progress)
    assert done["labels"] == [(1, 2)] * 2
    assert done["dimensions"] == [(1, 3)] * 3
    assert done["permutations"] == [(1, 100)] * 100
    assert [text for stage, text in said if stage == "labels"] == ["y", "half"]


def test_labels_of_the_same_examples_share_their_draws(evaluated, normals, monkeypatch):
    y, loc, scale = normals(MEANS, 60, 0)
    taken = []
    take = features.take_features
    monkeypatch.setattr(
        features, "take_features", lambda *given: taken.append(given) or take(*given)
    )
    gaps = np.where(np.arange(60) % 6 == 0, None, y.numpy())
    evaluated(loc, scale, {"y": y.numpy(), "half": [0, 1] * 30, "gaps": gaps})
    assert [len(chosen) for _, _, chosen, _ in taken] == [60, 50]
