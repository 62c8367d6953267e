"""A chain of latents through encoding: checks, batches, resuming."""

import re

import pytest
import torch

import genprobe
from genprobe import Model
from genprobe.errors import GenprobeError, ModelError, StoreError, UsageError

N = 40


def walk(x):
    z = yield {"loc": x[:, :2], "scale": 0.5}, {"loc": torch.zeros(2), "scale": torch.ones(2)}
    q = {"loc": x[:, 2:] + z[:, :1], "scale": torch.full((1,), 0.3)}
    yield q, {"loc": z[:, :1], "scale": torch.ones(1)}


def decode(draws):
    first, second = draws
    return {"loc": torch.cat([first, second], 1), "scale": torch.tensor(0.4)}


def chain(walk=walk, decode=decode, posterior="diagonal-normal", **parts):
    known = {"likelihood": "normal"} if decode else {}
    return Model(name="m", chain=walk, posterior=posterior, decode=decode, **known, **parts)


@pytest.fixture(scope="module")
def x():
    return torch.randn(N, 3, generator=torch.Generator().manual_seed(0))


def numbers(report):
    levels = [level["rate"].value for level in report.levels]
    curve = [point.distortion.value for point in report.progressive.points]
    return {name: e.value for name, e in report.estimates.items()}, levels, curve


def test_the_batch_size_changes_nothing(x):
    first, other = (genprobe.evaluate(chain(), x, batch_size=b, draws=2) for b in (N, 7))
    for one, two in zip(numbers(first), numbers(other), strict=True):
        assert one == pytest.approx(two, rel=1e-5)


def test_the_store_holds_the_first_level_and_rates_of_the_others(x, tmp_path):
    report = genprobe.evaluate(chain(), x, draws=2, store=tmp_path / "s.h5")
    store = report.store
    assert store.header.levels == (("diagonal-normal", (2,)), ("diagonal-normal", (1,)))
    assert store.header.latent_shape == (2,)
    assert store.header.prior == "standard-normal"
    assert store.column("draws/z").shape == (2, N, 2)
    assert store.column("levels/rate").shape == (2, N, 1)
    assert store.level_dimensions(2).tolist() == pytest.approx(
        [float(store.column("levels/rate").mean())], rel=1e-6
    )
    again = genprobe.report_from_store(genprobe.open_store(tmp_path / "s.h5"))
    assert numbers(again) == numbers(report)
    assert genprobe.evaluate(chain(), x, draws=2, store=tmp_path / "s.h5")["rate"] == report["rate"]


def test_the_draws_of_every_level_are_kept_where_somebody_asks(x, tmp_path):
    kept = genprobe.evaluate(
        chain(), x, draws=2, store=tmp_path / "s.h5", keep_levels=True, batch_size=7
    )
    assert kept.store.header.keep_levels
    below = kept.store.column("levels/z_2")
    assert below.shape == (2, N, 1)
    # What is kept is what was decoded.
    codes = torch.cat([kept.store.column("draws/z"), below], 2)
    paid = -torch.distributions.Normal(codes, 0.4).log_prob(x.double()).sum(2)
    torch.testing.assert_close(paid, kept.store.column("probes/distortion"), rtol=1e-5, atol=1e-5)
    plain = genprobe.evaluate(chain(), x, draws=2, store=tmp_path / "plain.h5")
    assert not plain.store.has("levels/z_2")
    assert numbers(plain) == numbers(kept)


def test_keeping_levels_needs_levels_and_a_store(x, tmp_path):
    with pytest.raises(UsageError, match=r"no store is named.*\n.*--store"):
        genprobe.evaluate(chain(), x, keep_levels=True)
    flat = genprobe.Model(
        name="flat",
        encode=lambda x: {"loc": x, "scale": torch.ones_like(x)},
        posterior="diagonal-normal",
        prior="standard-normal",
    )
    with pytest.raises(UsageError, match=r"flat is no chain of latents.*\n.*keep_levels"):
        genprobe.evaluate(flat, x, store=tmp_path / "s.h5", keep_levels=True)
    assert not (tmp_path / "s.h5").exists()


def test_a_store_without_the_draws_is_not_taken_for_one_with_them(x, tmp_path):
    genprobe.evaluate(chain(), x, store=tmp_path / "s.h5")
    with pytest.raises(StoreError, match=r"what is kept of its levels.*\n.*--fresh"):
        genprobe.evaluate(chain(), x, store=tmp_path / "s.h5", keep_levels=True)


def test_a_run_that_was_interrupted_goes_on_to_the_same_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr("genprobe.encoding.resolve.segment_rows", lambda *shapes: 25)
    x = torch.randn(60, 3, generator=torch.Generator().manual_seed(1))
    seen = []

    def broken(x):
        seen.append(len(x))
        if seen.count(25) > 20:
            raise KeyboardInterrupt
        yield from walk(x)

    options = {"batch_size": 25, "draws": 2, "estimators": {}}
    with pytest.raises(KeyboardInterrupt):
        genprobe.evaluate(chain(broken), x, store=tmp_path / "s.h5", **options)
    assert len(list((tmp_path / "s.h5.partial").glob("*.h5"))) in (1, 2)
    genprobe.evaluate(chain(), x, store=tmp_path / "s.h5", **options)
    genprobe.evaluate(chain(), x, store=tmp_path / "w.h5", **options)
    resumed, whole = (genprobe.open_store(tmp_path / name) for name in ("s.h5", "w.h5"))
    for name in ("levels/rate", "levels/log_weight", "probes/distortion", "draws/z"):
        assert torch.equal(resumed.column(name), whole.column(name))


def test_another_decoder_or_second_level_is_another_model(x, tmp_path):
    path = tmp_path / "s.h5"
    genprobe.evaluate(chain(), x, store=path)

    def wider(x):
        z = yield {"loc": x[:, :2], "scale": 0.5}, {"loc": torch.zeros(2), "scale": torch.ones(2)}
        yield {"loc": x[:, 2:] + z[:, :1], "scale": 0.31}, {"loc": z[:, :1], "scale": 1.0}

    def brighter(draws):
        return {**decode(draws), "scale": torch.tensor(0.41)}

    for changed, what in ((chain(wider), "the rate of a level"), (chain(decode=brighter), "log p")):
        with pytest.raises(GenprobeError, match=f"another model: {re.escape(what)}"):
            genprobe.evaluate(changed, x, store=path)


def test_a_conditional_chain_gets_its_context(x):
    def shifted(x, c):
        z = yield {"loc": x[:, :2] - c, "scale": 0.5}, {"loc": torch.zeros(2), "scale": 1.0}
        yield {"loc": x[:, 2:] + c, "scale": 0.3}, {"loc": z[:, :1] + c, "scale": 1.0}

    def from_both(draws, c):
        return {"loc": torch.cat(draws, 1) + c, "scale": torch.tensor(0.4)}

    def condition(x, covariates):
        return {"c": x.mean(1, keepdim=True)}

    report = genprobe.evaluate(chain(shifted, from_both, condition=condition), x)
    assert report.provenance["context"] == ["c"]
    assert len(report.levels) == 2


def test_families_may_differ_by_level(x):
    def mixed(x):
        yield {"logits": x[:, :2]}, {"logits": torch.zeros(2)}
        yield {"loc": x[:, 2:], "scale": 0.3}, {"loc": torch.zeros(1), "scale": 1.0}

    report = genprobe.evaluate(chain(mixed, None, ("bernoulli", "laplace")), x)
    assert [level.family for level in report.levels] == ["bernoulli", "laplace"]
    q = torch.distributions.Bernoulli(logits=x[:, :2].double())
    p = torch.distributions.Bernoulli(logits=torch.zeros(N, 2).double())
    rate = torch.distributions.kl_divergence(q, p).sum(1).mean()
    assert report.levels[0]["rate"].value == pytest.approx(float(rate), rel=1e-5)
    assert report.progressive is None


def one_more(x):
    yield from walk(x)
    if len(x) and float(x[0, 0]) > 0:
        yield {"loc": x[:, :1], "scale": 1.0}, {"loc": torch.zeros(1), "scale": 1.0}


def of_x(x):
    z = yield {"loc": x[:, :2], "scale": 0.5}, {"loc": torch.zeros(2), "scale": 1.0}
    yield {"loc": z[:, :1], "scale": 0.3}, {"loc": x[:, 2:], "scale": 1.0}


def moving(x):
    yield {"loc": x[:, :2], "scale": 0.5}, {"loc": x[:, :2], "scale": 1.0}


def narrow(x):
    yield {"loc": x[:, :2], "scale": -0.5}, {"loc": torch.zeros(2), "scale": 1.0}


def unpaired(x):
    yield {"loc": x[:, :2], "scale": 0.5}


def of_batch(x):
    z = yield {"loc": x[:, :2], "scale": 0.5}, {"loc": torch.zeros(2), "scale": 1.0}
    yield {"loc": x[:, 2:] - x.mean(), "scale": 0.3}, {"loc": z[:, :1], "scale": 1.0}


def without_end(x):
    while True:
        yield {"loc": x[:, :2], "scale": 0.5}, {"loc": torch.zeros(2), "scale": 1.0}


def deviations(x):
    z = yield (x[:, :2], 0 * x[:, :2] - 1), (torch.zeros(2), torch.zeros(2))
    yield (x[:, 2:], 0.3 + 0 * x[:, 2:]), (z[:, :1], 0 * z[:, :1])


def one_as_log_variance(x):
    z = yield (x[:, :2], 0 * x[:, :2] - 1), (torch.zeros(2), torch.ones(2))
    yield (x[:, 2:], 0 * x[:, 2:] - 1), (z[:, :1], 0 * z[:, :1])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (one_more, "level 3 at example"),
        (of_x, "The prior of m, at level 2, depends on x: its loc"),
        (moving, "The prior of m, at level 1, depends on the example: its loc"),
        (narrow, "at level 1, gives a value of scale that must be > 0 and is not, at example 0"),
        (unpaired, "at level 1, yields a dict, not a pair"),
        (of_batch, "The chain of m depends on the batch: its loc of the posterior at level 2"),
        (without_end, "The chain of m yields more than 4096 levels"),
        (deviations, "The chain of m, at level 2, returns a pair whose second tensor is above 0"),
        (one_as_log_variance, "The prior of m, at level 1, returns a pair whose second tensor"),
        (lambda x: [1], "The chain of m returns a list, which is not a generator"),
    ],
)
def test_what_a_chain_does_wrong_is_one_line_that_names_the_level(x, wrong, said):
    with pytest.raises(ModelError, match=re.escape(said)) as error:
        genprobe.evaluate(chain(wrong, None), x, batch_size=3)
    assert len(str(error.value).splitlines()) <= 2


def test_a_learned_prior_may_be_wide_and_a_posterior_as_wide_as_it(x):
    def idle(x):
        wide = torch.full((len(x), 2), 0.4)
        z = yield (x[:, :2] / 9, wide), (torch.zeros(2), torch.full((2,), 0.4))
        yield (x[:, 2:], 0 * z[:, :1] - 1), (z[:, :1], 0 * z[:, :1] + 0.7)

    report = genprobe.evaluate(chain(idle), x)
    assert len(report.levels) == 2


def test_what_is_taken_for_what_is_said_of_the_chain(x, caplog):
    def of_logvar(x):
        z = yield {"loc": x[:, :2], "logvar": x[:, :2]}, {"loc": torch.zeros(2), "scale": 1.0}
        yield {"loc": x[:, 2:], "scale": 0.3}, {"loc": z[:, :1], "scale": 1.0}

    with caplog.at_level("INFO", logger="genprobe"):
        genprobe.evaluate(chain(of_logvar), x)
    assert "What chain of m returns is read thus: logvar as scale." in caplog.text


def test_a_model_is_a_chain_or_has_an_encoder():
    with pytest.raises(ModelError, match="has a chain, and prior"):
        chain(prior="standard-normal")
    with pytest.raises(ModelError, match="has a chain and no posterior"):
        chain(posterior="")
    with pytest.raises(TypeError, match="'encode'"):
        Model(name="m", posterior="diagonal-normal", prior="standard-normal")


def test_fewer_families_than_levels(x):
    with pytest.raises(ModelError, match="has a level 2; families are named for 1"):
        genprobe.evaluate(chain(posterior=["diagonal-normal"]), x)


def test_annealing_and_export_say_why_not(x, tmp_path):
    with pytest.raises(GenprobeError, match="has a chain of 2"):
        genprobe.evaluate(chain(), x, inference=5)
    with pytest.raises(ModelError, match="has a chain of latents"):
        genprobe.export(chain(), tmp_path / "out", example=x[:2])


def test_what_is_not_defined_is_absent_with_its_reason(x):
    report = genprobe.evaluate(chain(), x)
    assert "of a chain of latents" in report.provenance["absent"]["generative_mutual_information"]
