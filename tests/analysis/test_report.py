import math
from dataclasses import replace

import h5py
import pytest
import torch
from torch.distributions import Normal, kl_divergence

import genprobe
from genprobe import Model, open_store, report_from_store
from genprobe.errors import PluginError, StoreError
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.plugins import plugins
from genprobe.priors.diagonal_normal import build
from genprobe.types import Estimate, Prior

N = 40
X = (torch.rand(N, 3, generator=torch.Generator().manual_seed(0)) > 0.5).float()


def encode(x):
    return {"loc": x - 0.5, "scale": torch.full_like(x, 0.4)}


def model(**changes):
    parts = {
        "name": "mine",
        "encode": encode,
        "decode": lambda z: {"logits": 4 * z},
        "posterior": "diagonal-normal",
        "prior": "standard-normal",
        "likelihood": "bernoulli",
    }
    return Model(**(parts | changes))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "s.h5"


@pytest.fixture
def evaluated(path):
    """Evaluate into the store, and give both the report and the store."""

    def evaluated(made=None, x=X, **options):
        report = genprobe.evaluate(made or model(), x, store=path, draws=2, **options)
        return report, open_store(path)

    return evaluated


def test_the_store_alone_gives_the_same_report(evaluated):
    first, store = evaluated()
    again = report_from_store(store)
    assert again.estimates == first.estimates
    assert again.regime == first.regime
    assert list(again.dimensions) == list(first.dimensions)
    assert list(again.warnings) == list(first.warnings)


def test_the_estimates_are_those_of_the_stored_numbers(evaluated):
    report, store = evaluated()
    truth = kl_divergence(Normal(X.double() - 0.5, 0.4), Normal(0.0, torch.ones(3).double()))
    assert report["rate"].value == pytest.approx(truth.sum(1).mean().item(), rel=1e-6)
    distortion = store.column("probes/distortion").mean().item()
    assert report["distortion"].value == pytest.approx(distortion, rel=1e-12)
    assert report["elbo"].value == pytest.approx(-truth.sum(1).mean().item() - distortion, rel=1e-6)
    assert (report.model, report.dataset, report.n) == ("mine", "array", N)


def test_a_learned_prior_comes_back_from_the_store(evaluated):
    prior = build(torch.Size([3]), {"loc": torch.full((3,), 0.3), "scale": torch.full((3,), 0.7)})
    first, store = evaluated(model(prior=prior))
    assert report_from_store(store).estimates == first.estimates


def test_another_prior_changes_the_rate_and_not_the_information(evaluated):
    first, store = evaluated()
    other = build(torch.Size([3]), {"loc": torch.full((3,), 0.3), "scale": torch.full((3,), 0.7)})
    report = report_from_store(store, prior=other)
    truth = kl_divergence(Normal(X.double() - 0.5, 0.4), Normal(0.3, 0.7)).sum(1).mean().item()
    assert report["rate"].value == pytest.approx(truth, rel=1e-6)
    before, after = first["mutual_information"], report["mutual_information"]
    assert abs(after.value - before.value) < 4 * (before.se + after.se) + 1e-6
    assert report.provenance["prior"] == "diagonal-normal"


def test_a_prior_that_no_plugin_knows_can_be_done_without(evaluated):
    standard = build(torch.Size([3]), {"loc": torch.zeros(3), "scale": torch.ones(3)})
    own = replace(standard, name="home-made")
    first, store = evaluated(model(prior=own))
    report = report_from_store(store)
    for name in ("rate", "distortion", "mutual_information"):
        assert report[name].value == pytest.approx(first[name].value, abs=1e-9)
    assert report.provenance["prior"] == "home-made"


def test_a_prior_with_a_registered_name_but_no_tensors_can_be_done_without(evaluated):
    own = Prior(
        name="laplace",
        log_prob=lambda z: -z.abs().sum(-1) - 3 * math.log(2),
        sample=lambda n: torch.distributions.Laplace(0.0, 1.0).sample((n, 3)),
        kl=lambda family, params: None,
    )
    first, store = evaluated(model(prior=own))
    assert report_from_store(store)["rate"] == first["rate"]


def test_a_family_that_no_plugin_knows_is_told(evaluated):
    _, store = evaluated(model(posterior=replace(diagonal_normal, name="home-made")))
    with pytest.raises(PluginError, match="no family 'home-made'"):
        report_from_store(store)


def test_an_unknown_prior_that_is_asked_for_is_told(evaluated):
    _, store = evaluated()
    with pytest.raises(PluginError, match="no prior 'tree'"):
        report_from_store(store, prior="tree")


def test_what_was_said_of_the_data_is_said_first(evaluated):
    report, _ = evaluated(x=X * 0.5)
    assert report.warnings[0].code == "bernoulli-on-grey"


def test_a_density_is_told_unless_its_bins_are_known(evaluated):
    made = model(decode=lambda z: {"loc": z, "scale": torch.ones(())}, likelihood="normal")
    report, store = evaluated(made)
    assert "density-distortion" in {w.code for w in report.warnings}
    binned = report_from_store(store, bin_width=0.5)
    assert "density-distortion" not in {w.code for w in binned.warnings}
    expected = report["distortion"].value + 3 * torch.tensor(2.0).log().item()
    assert binned["distortion"].value == pytest.approx(expected, rel=1e-6)


def test_the_smallest_entropy_bound_is_taken(evaluated):
    one_bit = model(
        encode=lambda x: {"loc": 1.6 * (x[:, :1] - 0.5), "scale": torch.full_like(x[:, :1], 0.6)},
        decode=lambda z: {"logits": 4.4 * z.expand(*z.shape[:-1], 3)},
    )
    report, store = evaluated(one_bit, X[:, :1].repeat(1, 3))
    own = report["iwae_bound"].value
    assert own < report["rate"].value + report["distortion"].value
    assert report.regime.entropy == pytest.approx(own)
    assert report.regime.entropy_source.startswith("this model's IWAE bound")
    assert report_from_store(store, entropy=own / 2).regime.entropy_source == "given"
    assert report_from_store(store, entropy=own * 2).regime.entropy == pytest.approx(own)


def test_without_a_decoder_the_rate_side_is_reported(evaluated):
    report, store = evaluated(model(decode=None, likelihood=None))
    assert "distortion" not in report.estimates
    assert {"rate", "mutual_information", "marginal_kl"} <= report.estimates.keys()
    assert report_from_store(store).estimates == report.estimates


def test_the_kl_of_a_dimension_is_given_wherever_its_marginal_was_asked_for(evaluated):
    def largest(dimension_kl):
        value = float(dimension_kl.max())
        return Estimate(name="largest", value=value, se=None, se_data=None, kind="estimate", n=N)

    whole, store = evaluated()
    alone = report_from_store(store, estimators={"largest": largest})
    assert [d.aggregate_kl for d in alone.dimensions] == [d.aggregate_kl for d in whole.dimensions]
    assert alone["largest"].value == max(d.aggregate_kl for d in alone.dimensions)


@pytest.mark.parametrize(("name", "queried"), [("rate", False), ("mutual_information", True)])
def test_nothing_is_worked_out_for_the_dimensions_that_no_estimator_asked_for(
    evaluated, name, queried
):
    _, store = evaluated()
    report = report_from_store(store, estimators={name: plugins().get("estimators", name)})
    assert (report.provenance["queries"] > 0) == queried
    assert {d.aggregate_kl for d in report.dimensions} == {None}
    assert all(d.rate is not None for d in report.dimensions)


def test_provenance_reproduces_the_run(evaluated):
    report, store = evaluated(seed=7, max_queries=10)
    provenance = report.provenance
    assert (provenance["seed"], provenance["draws"], provenance["dtype"]) == (7, 2, "float32")
    assert provenance["queries"] == 10
    assert provenance["dataset_fingerprint"] == store.header.dataset_fingerprint
    assert provenance["torch"] == torch.__version__


def test_a_report_is_announced_to_plugins(evaluated):
    class Listener:
        @genprobe.hookimpl
        def genprobe_report_ready(self, report, store):
            self.heard = (report, store)

    listener = Listener()
    plugins().manager.register(listener, "listener")
    try:
        report, store = evaluated()
    finally:
        plugins().manager.unregister(listener)
    assert listener.heard[0] is report
    assert listener.heard[1].path == store.path


@pytest.mark.parametrize("name", ["params/loc", "params/scale", "probes/rate", "probes/distortion"])
def test_a_flipped_bit_in_what_a_report_reads_is_told(evaluated, path, name):
    _, store = evaluated()
    with h5py.File(path) as file:
        offset = file[name].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[offset] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"s\.h5 is damaged: .*checksum.*\n.*--fresh"):
        report_from_store(store)
