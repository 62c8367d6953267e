import dataclasses

import pytest
import torch

import genprobe
from genprobe.analysis.regimes import DEFAULT_CUTS, Entropy
from genprobe.comparing.shared_regime import replace_regime

LOGITS = torch.tensor([[1.0, -2.0, 0.5, 2.0], [0.5, 1.0, -1.0, -0.5]])


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
    x = torch.randint(0, 2, (40, 4), generator=torch.Generator().manual_seed(0)).float()
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
    bound, cuts = boundary(report, 0.8), dataclasses.replace(DEFAULT_CUTS, syntactic=0.8)
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


def test_without_the_examples_their_errors_must_do(report):
    cuts = dataclasses.replace(DEFAULT_CUTS, syntactic=0.8)
    bound = boundary(report, 0.8)
    examples = replace_regime(report, bound, cuts).regime
    errors = replace_regime(dataclasses.replace(report, store=None), bound, cuts).regime
    assert errors != examples
    # At a cut both are near one half; 40 examples are not quite normal.
    assert abs(errors.probability - examples.probability) < 0.15


def test_a_store_of_other_numbers_is_not_resampled(report):
    """The report is of another prior than its provenance says, as one under an object is."""
    shifted = {
        **report.estimates,
        "rate": dataclasses.replace(report["rate"], value=report["rate"].value + 0.1),
    }
    other = dataclasses.replace(report, estimates=shifted)
    bound, cuts = boundary(report, 0.8), dataclasses.replace(DEFAULT_CUTS, syntactic=0.8)
    alone = dataclasses.replace(other, store=None)
    assert replace_regime(other, bound, cuts).regime == replace_regime(alone, bound, cuts).regime
