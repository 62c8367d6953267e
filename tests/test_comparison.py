import dataclasses

import pytest
import torch

import genprobe
from genprobe.errors import GenprobeError
from genprobe.types import Estimate, Regime, Report


def report(name, rate, distortion, entropy=None, source="this model's R + D", data="same"):
    """A report of given R and D; its own bound is R + D unless one is given."""
    bound = rate + distortion if entropy is None else entropy
    values = {"rate": rate, "distortion": distortion, "elbo": -rate - distortion}
    return Report(
        model=name,
        dataset="digits",
        n=100,
        estimates={
            k: Estimate(name=k, value=v, se=0.0, se_data=0.0, kind="estimate")
            for k, v in values.items()
        },
        dimensions=(),
        regime=Regime(
            label="undetermined",
            probability=1.0,
            alternatives=(),
            by_position=None,
            by_slope=None,
            entropy=bound,
            entropy_source=source,
            reasons=(),
        ),
        warnings=(),
        provenance={"dataset_fingerprint": data},
    )


MODELS = [report("auto", 156, 4.8), report("semantic", 6.2, 74.0), report("none", 0.0, 80.6)]


def test_all_share_the_smallest_bound_and_its_source():
    found = genprobe.compare(MODELS)
    assert found.entropy == pytest.approx(80.2)
    assert found.entropy_source == "R + D of semantic"
    assert {r.regime.entropy for r in found.reports} == {found.entropy}


def test_a_bound_of_the_data_set_keeps_its_source():
    given = report("given", 10, 75, entropy=70.0, source="the data set")
    found = genprobe.compare([*MODELS, given])
    assert (found.entropy, found.entropy_source) == (70.0, "the data set")


def test_regimes_are_read_again_under_the_shared_bound():
    # Alone, 4.8 / (4.8 + 156) and 8.1 / (8.1 + 120.3) are both below the cut of an autoencoder.
    models = [report("syntactic", 120.3, 8.1), *MODELS]
    labels = {r.model: r.regime.label for r in genprobe.compare(models).reports}
    assert labels == {
        "none": "autodecoder",
        "semantic": "semantic-encoder",
        "syntactic": "syntactic-encoder",
        "auto": "autoencoder",
    }


def test_reports_come_sorted_by_rate_and_the_best_by_elbo():
    found = genprobe.compare(MODELS)
    assert [r.model for r in found.reports] == ["none", "semantic", "auto"]
    assert found.best == "semantic"


def test_different_data_are_refused_by_name():
    with pytest.raises(GenprobeError, match=r"auto .* and other .*different data"):
        genprobe.compare([*MODELS, report("other", 1, 2, data="else")])


def test_nothing_is_refused():
    with pytest.raises(GenprobeError, match="nothing to compare"):
        genprobe.compare([])


def test_a_model_without_a_place_keeps_its_regime():
    lost = report("density", 3.0, -40.0)
    lost = dataclasses.replace(lost, regime=dataclasses.replace(lost.regime, entropy=None))
    found = genprobe.compare([lost, *MODELS])
    assert found.entropy == pytest.approx(80.2)
    assert next(r for r in found.reports if r.model == "density").regime == lost.regime


def test_stores_and_report_files_stand_beside_reports(tmp_path):
    x = torch.randint(2, (50, 3), generator=torch.Generator().manual_seed(0)).float()

    def model(name, spread):
        return genprobe.Model(
            name=name,
            encode=lambda x: {"loc": spread * x, "scale": torch.full_like(x, 0.5)},
            decode=lambda z: {"logits": spread * z},
            posterior="diagonal-normal",
            prior="standard-normal",
            likelihood="bernoulli",
        )

    stored = genprobe.evaluate(model("stored", 1.0), x, store=tmp_path / "s.h5")
    written = genprobe.evaluate(model("written", 2.0), x)
    (tmp_path / "r.json").write_text(written.to_json(), encoding="utf-8")
    kept = genprobe.evaluate(model("kept", 0.5), x)
    found = genprobe.compare([tmp_path / "s.h5", str(tmp_path / "r.json"), kept])
    assert [r.model for r in found.reports] == ["kept", "stored", "written"]
    rates = [r["rate"].value for r in found.reports]
    assert rates == [r["rate"].value for r in (kept, stored, written)]


@pytest.mark.parametrize("content", [None, b"{", b'{"a": 1}', b"neither"])
def test_a_file_that_is_neither_is_told(tmp_path, content):
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GenprobeError):
        genprobe.compare([path])
