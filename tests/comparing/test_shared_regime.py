import csv
import dataclasses
import json

import h5py
import numpy as np
import pytest
import torch
from scipy.special import logsumexp

import genprobe
from genprobe.analysis.regimes import DEFAULT_CUTS, Cuts, Entropy
from genprobe.comparing.shared_regime import replace_regime
from genprobe.render.data.csv import to_csv
from genprobe.render.data.json import to_dict

BITS = 16
LOGITS = torch.zeros(2, BITS)
LOGITS[:, :4] = torch.tensor([[1.0, -2.0, 0.5, 2.0], [0.5, 1.0, -1.0, -0.5]])
"""Of most bits the codes say nothing; with them nearly all examples differ."""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Of a small model of bits, with its store; another bound makes its regime uncertain."""
    folder = tmp_path_factory.mktemp("regime")
    model = genprobe.Model(
        name="m",
        encode=lambda x: {"loc": (2 * x - 1) @ LOGITS.T / 4, "scale": torch.full((len(x), 2), 0.6)},
        decode=lambda z: {"logits": z @ LOGITS},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="bernoulli",
    )
    x = torch.randint(0, 2, (200, BITS), generator=torch.Generator().manual_seed(0)).float()
    return genprobe.evaluate(model, x, draws=3, store=folder / "s.h5")


def boundary(report, share):
    """The bound under which D/Ĥ is a cut."""
    return Entropy(value=report["distortion"].value / share, source="R + D of another")


def test_under_its_own_bound_and_cuts_a_report_keeps_its_regime(report):
    own = Entropy(value=report.regime.entropy, source="anything")
    for found in (report, dataclasses.replace(report, store=None)):
        assert replace_regime(found, own, DEFAULT_CUTS) is found
    assert genprobe.compare([report]).reports == (report,)


def test_under_another_bound_the_examples_are_resampled_as_for_a_report(report):
    bound, cuts = boundary(report, 0.96), dataclasses.replace(DEFAULT_CUTS, syntactic=0.96)
    assert bound.value < report.regime.entropy
    found = replace_regime(report, bound, cuts).regime
    made = genprobe.report_from_store(report.store, entropy=bound.value, cuts=cuts).regime
    assert found == dataclasses.replace(made, entropy_source=bound.source)
    assert 0.1 < found.probability < 0.9


def test_under_other_cuts_too(report):
    share = report["distortion"].value / report.regime.entropy
    cuts = dataclasses.replace(DEFAULT_CUTS, syntactic=share)
    made = genprobe.report_from_store(report.store, cuts=cuts)
    own = Entropy(value=report.regime.entropy, source=report.regime.entropy_source)
    assert replace_regime(report, own, cuts).regime == made.regime
    assert made.regime.probability < 0.9
    # And back: what a report was read by is in it, with or without its store.
    again = replace_regime(made, own, DEFAULT_CUTS).regime
    assert again == report.regime
    read = genprobe.Report.from_json(made.to_json())
    assert replace_regime(read, own, cuts) is read
    assert replace_regime(read, own, DEFAULT_CUTS).regime.label == report.regime.label


@pytest.mark.parametrize("stored", [True, False])
def test_where_the_slope_alone_places_other_cuts_place_anew(stored, tmp_path):
    model = genprobe.Model(
        name="line",
        encode=lambda x: {"loc": 0.6 * x, "scale": torch.full((len(x), 1), 0.6)},
        decode=lambda z: {"loc": z, "scale": torch.tensor(0.6)},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="normal",
    )
    x = torch.randn(200, 1, generator=torch.Generator().manual_seed(0))
    report = genprobe.evaluate(model, x, draws=2, store=tmp_path / "s.h5")
    assert report.regime.entropy is None
    slope = report["slope"].value
    cuts = Cuts(
        autoencoder_slope=slope / 4,
        syntactic_slope=slope / 2,
        knee_low=slope + 9,
        knee_high=slope + 9,
    )
    given = report if stored else dataclasses.replace(report, store=None)
    [found] = genprobe.compare([given], cuts=cuts).reports
    made = genprobe.report_from_store(report.store, cuts=cuts).regime
    assert (found.regime.label, found.regime.by_position) == ("semantic-encoder", None)
    assert found.regime.label != report.regime.label or slope < 0.8
    assert found.provenance["regime_cuts"] == dataclasses.asdict(cuts)
    assert found.regime == made if stored else found.regime.label == made.label


def test_a_report_of_a_version_without_a_knee_is_read_by_the_cuts_of_now(report):
    facts = {name: value for name, value in report.provenance.items() if name != "regime_cuts"}
    older = dataclasses.replace(report, provenance=facts)
    own = Entropy(value=report.regime.entropy, source=report.regime.entropy_source)
    assert replace_regime(older, own, Cuts(semantic_slope=1.0)) is older
    assert replace_regime(older, own, DEFAULT_CUTS).regime == report.regime


def test_without_the_examples_their_errors_must_do(report):
    cuts = dataclasses.replace(DEFAULT_CUTS, syntactic=0.8)
    bound = boundary(report, 0.8)
    examples = replace_regime(report, bound, cuts).regime
    errors = replace_regime(dataclasses.replace(report, store=None), bound, cuts).regime
    assert errors != examples
    # At a cut both are near one half.
    assert abs(errors.probability - examples.probability) < 0.15


def test_of_few_examples_that_are_not_at_hand_there_is_no_label(report):
    rate = dataclasses.replace(report["rate"], se_data=None)
    alone = dataclasses.replace(report, store=None, estimates={**report.estimates, "rate": rate})
    bound = boundary(report, 0.8)
    found = replace_regime(alone, bound, DEFAULT_CUTS).regime
    assert (found.label, found.entropy) == ("undetermined", bound.value)
    assert "store" in found.reasons[0]


def two(tmp_path, n, **options):
    """Reports of two models of the same bits, of which the first has the smaller bound."""
    found = []
    often = torch.full((BITS,), 0.5)
    often[:4] = torch.tensor([0.9, 0.2, 0.8, 0.7])
    for name, slope, shift in (("sharp", 1.0, often.logit()), ("blurred", 0.6, 0.0)):
        weight = slope * LOGITS
        model = genprobe.Model(
            name=name,
            encode=lambda x, weight=weight: {
                "loc": (2 * x - 1) @ weight.T / 4,
                "scale": torch.full((len(x), 2), 0.6),
            },
            decode=lambda z, weight=weight, shift=shift: {"logits": z @ weight + shift},
            posterior="diagonal-normal",
            prior="standard-normal",
            likelihood="bernoulli",
        )
        chance = torch.Generator().manual_seed(0)
        x = (torch.rand(n, BITS, generator=chance) < often).float()
        found.append(genprobe.evaluate(model, x, draws=3, store=tmp_path / f"{name}.h5", **options))
    return found


def near_its_cut(reports):
    """Cuts of which one goes through the place of the second model under the smallest bound."""
    bound = min(report.regime.entropy for report in reports)
    return dataclasses.replace(DEFAULT_CUTS, syntactic=reports[1]["distortion"].value / bound)


def test_a_bound_of_another_model_is_resampled_with_the_same_examples(tmp_path):
    reports = two(tmp_path, 200)
    cuts = near_its_cut(reports)
    found = {r.model: r.regime for r in genprobe.compare(reports, cuts=cuts).reports}
    assert reports[0].regime.entropy < reports[1].regime.entropy
    alone = replace_regime(
        reports[1], Entropy(value=reports[0].regime.entropy, source="held"), cuts
    ).regime
    assert found["blurred"].entropy == alone.entropy
    assert found["blurred"].probability != alone.probability
    # As where the examples are at hand without any store: means of the same resampled rows.
    shares = shares_of(reports, cuts)
    assert found["blurred"].probability == pytest.approx(max(shares, 1 - shares), abs=0.045)


def shares_of(reports, cuts):
    """How often D/Ĥ of the second is up to the cut if examples are drawn anew, by numpy."""
    with h5py.File(reports[1].store.path) as file:
        distortion = file["probes/distortion"][...].mean(0)
    with h5py.File(reports[0].store.path) as file:
        weight = file["draws/log_pz"][...] - file["draws/log_qz_x"][...]
        weight -= file["probes/distortion"][...]
    bound = np.log(len(weight)) - logsumexp(weight, axis=0)
    picks = np.random.default_rng(0).integers(0, len(bound), (4000, len(bound)))
    return (distortion[picks].mean(1) <= cuts.syntactic * bound[picks].mean(1)).mean()


def test_json_csv_and_comparison_state_one_probability(tmp_path):
    reports = two(tmp_path, 200)
    cuts = near_its_cut(reports[::-1])
    made = [genprobe.report_from_store(r.store, cuts=cuts) for r in reports]
    smallest = min(made, key=lambda report: report.regime.entropy)
    compared = genprobe.compare(made, cuts=cuts)
    stated = {
        json.loads(smallest.to_json())["regime"]["probability"],
        next(r for r in compared.reports if r.model == smallest.model).regime.probability,
        next(
            float(row["regime_probability"])
            for row in csv.DictReader(to_csv(compared).splitlines())
            if row["model"] == smallest.model
        ),
        next(
            m["report"]["regime"]["probability"]
            for m in to_dict(compared)["models"]
            if m["name"] == smallest.model
        ),
    }
    assert len(stated) == 1
    # And again from the store alone, whose own cuts are others.
    again = genprobe.compare([report.store.path for report in reports], cuts=cuts)
    assert {r.regime.probability for r in again.reports if r.model == smallest.model} == stated


def test_a_handful_of_examples_has_no_label_in_a_comparison_either(tmp_path):
    for report in genprobe.compare(two(tmp_path, 29)).reports:
        assert report.regime.label == "undetermined"
        assert "29 distinct examples" in report.regime.reasons[0]


def test_a_store_of_other_numbers_is_not_resampled(report):
    """The report is of another prior than its provenance says, as one under an object is."""
    shifted = {
        **report.estimates,
        "rate": dataclasses.replace(report["rate"], value=report["rate"].value + 0.1),
    }
    other = dataclasses.replace(report, estimates=shifted)
    bound, cuts = boundary(report, 0.96), dataclasses.replace(DEFAULT_CUTS, syntactic=0.96)
    alone = dataclasses.replace(other, store=None)
    assert replace_regime(other, bound, cuts).regime == replace_regime(alone, bound, cuts).regime
