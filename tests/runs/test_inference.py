import contextlib
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal

import genprobe
from genprobe.errors import StoreError, UnavailableError, UsageError
from genprobe.runs import annealing_stages, encoded_store, inference
from genprobe.store.inference import read_inference
from genprobe.store.sealed_file import write_sealed

N, M = 40, 5
W = torch.tensor([[1.0, 0.5], [0.0, 1.0], [0.7, -0.3]])
NOISE = 0.5
X = torch.randn(N, 3, generator=torch.Generator().manual_seed(0))
QUICK = {"device": "cpu", "estimators": {}, "tolerance": 0.5, "max_steps": 4}


class Killed(BaseException):
    """Stands for a signal: nothing catches it."""


@pytest.fixture(autouse=True, scope="module")
def _few_steps():
    """A start that is not quite the best is valid all the same."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(annealing_stages, "STEPS", 10)
        patched.setattr(annealing_stages, "ITERATED", (2,))
        patched.setattr(annealing_stages, "LEAST_FROM_PRIOR", 4)
        patched.setattr(annealing_stages, "CURVE_STEPS", 5)
        yield


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A store that was looked into."""
    path = tmp_path_factory.mktemp("finished") / "s.h5"
    evaluate(path, tolerance=0.1, max_steps=16)
    return path


@pytest.fixture
def path(finished, tmp_path):
    """A copy of it."""
    return Path(shutil.copy(finished, tmp_path / "s.h5"))


@pytest.fixture
def calls(monkeypatch):
    """How often a stage worked out a chunk."""
    made = []
    compute = annealing_stages.Pieces.step

    def step(self, name, work):
        return compute(self, name, lambda: made.append(name) or work())

    monkeypatch.setattr(annealing_stages.Pieces, "step", step)
    return made


def model(name="linear", **changes):
    """p(x|z) = N(Wz, v I), and an encoder whose mean is short of the posterior's."""
    precision = torch.eye(2) + W.T @ W / NOISE
    to_mean = 0.8 * torch.linalg.solve(precision, W.T) / NOISE

    def encode(x):
        return {"loc": x @ to_mean.T, "scale": torch.full((len(x), 2), 0.6)}

    def decode(z):
        return {"loc": z @ W.T, "scale": torch.full((len(z), 3), math.sqrt(NOISE))}

    parts = {
        "encode": encode,
        "decode": decode,
        "posterior": "diagonal-normal",
        "prior": "standard-normal",
        "likelihood": "normal",
    }
    return genprobe.Model(name=name, **{**parts, **changes})


def evaluate(path=None, **options):
    given = {"inference": M, **QUICK, **options}
    return genprobe.evaluate(model(), X, store=path, **given)


def arrays(path):
    kept = read_inference(genprobe.open_store(path))
    return {"index": kept.index, **kept.arrays}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


def test_the_bound_is_log_p_of_the_examples_that_it_is_of(path):
    kept = read_inference(genprobe.open_store(path))
    marginal = MultivariateNormal(torch.zeros(3), W @ W.T + NOISE * torch.eye(3))
    truth = marginal.log_prob(X[kept.index]).double()
    found = kept.arrays["log_weight"].logsumexp(0) - math.log(kept.facts["chains"])
    torch.testing.assert_close(found, truth, atol=0.1, rtol=0)
    assert len(kept.index) == M
    assert kept.facts["prior"] == "standard-normal"


def test_what_is_in_the_store_is_not_worked_out_again(path, calls, monkeypatch):
    first = arrays(path)
    made = len(calls)
    monkeypatch.setattr(encoded_store, "encode", pytest.fail)
    evaluate(path)
    evaluate(path, inference=M - 1)
    evaluate(path, inference=None, max_steps=None)
    assert len(calls) == made
    assert same(arrays(path), first)
    evaluate(path, inference=M + 1)
    assert len(calls) > made
    assert set(first["index"].tolist()) < set(arrays(path)["index"].tolist())


def test_simulated_data_and_curve_are_added_to_what_is_there(path, calls):
    before, made = arrays(path), len(calls)
    report = evaluate(path, simulate=3, decoder_curve=[1.0])
    after = arrays(path)
    assert not any(name.startswith(("anneal", "prior")) for name in calls[made:])
    assert same({k: after[k] for k in before}, before)
    assert report.inference.simulated.n == 3
    assert [point.beta for point in report.inference.curve] == [1.0]


def test_killed_after_any_piece_it_goes_on_to_the_same_numbers(tmp_path, calls, monkeypatch):
    whole, broken = tmp_path / "a.h5", tmp_path / "b.h5"
    asked = {"simulate": 2}
    evaluate(whole, **asked)
    stages, step = list(calls), annealing_stages.Pieces.step

    def dying(pieces, name, work):
        before = len(calls)
        found = step(pieces, name, work)
        if len(calls) > before and len(calls) % 2 == 0:
            raise Killed
        return found

    monkeypatch.setattr(annealing_stages.Pieces, "step", dying)
    kills = 0
    while not broken.exists() or read_inference(genprobe.open_store(broken)) is None:
        with contextlib.suppress(Killed):
            evaluate(broken, **asked)
            kills -= 1
        kills += 1
    assert kills > 2
    assert calls[len(stages) :] == stages
    assert same(arrays(broken), arrays(whole))
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_a_piece_that_is_damaged_is_worked_out_again(tmp_path, calls, monkeypatch):
    path = tmp_path / "s.h5"
    with monkeypatch.context() as patched:
        patched.setattr(inference, "write_inference", lambda *_: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            evaluate(path)
    made = list(calls)
    piece = next(tmp_path.rglob("tune-*.npz"))
    piece.write_bytes(piece.read_bytes()[:-40])
    evaluate(path)
    assert calls[len(made) :] == [piece.stem]


def test_labels_and_inference_survive_each_other(path):
    y = np.arange(N) % 2
    found = arrays(path)
    evaluate(path, labels={"first": y})
    report = evaluate(path, labels={"second": y}, inference=None, max_steps=None)
    assert same(arrays(path), found)
    assert list(report.labels) == ["first", "second"]
    assert report.inference.n == M


def test_under_another_prior_it_is_worked_out_for_that(path):
    wide = torch.distributions.Independent(
        torch.distributions.Normal(torch.zeros(2), 2 * torch.ones(2)), 1
    )
    asked = {"prior": wide, "estimators": None, "inference": None, "max_steps": None}
    other = evaluate(path, **asked)
    assert other.inference is None
    assert "under standard-normal" in other.provenance["absent"]["ais_bound"]
    again = evaluate(path, **{**asked, "inference": M, "max_steps": 4})
    assert again.inference.n == M
    assert again.inference.prior != "standard-normal"
    assert evaluate(path, inference=None, max_steps=None).inference is None


def test_a_report_of_the_store_alone_has_it(path):
    made = evaluate(path, estimators=None)
    again = genprobe.report_from_store(genprobe.open_store(path), tolerance=0.5)
    assert again.inference == made.inference
    assert again["inference_gap"] == made["inference_gap"]
    assert genprobe.Report.from_json(made.to_json()).inference == made.inference


REFUSED = {
    "no decoder": ({"decode": None, "likelihood": None}, "no decoder"),
    "no gradient": (
        {"decode": lambda z: {"loc": (z @ W.T).detach(), "scale": torch.ones(len(z), 3)}},
        "no gradient",
    ),
    "point": ({"posterior": "delta", "encode": lambda x: {"loc": x[:, :2]}}, "is a point"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_model_that_cannot_be_annealed_is_refused_before_anything_is_encoded(reason, monkeypatch):
    changes, words = REFUSED[reason]
    monkeypatch.setattr(encoded_store, "encode", pytest.fail)
    with pytest.raises(UnavailableError, match=words):
        genprobe.evaluate(model(**changes), X, inference=2, **QUICK)


def test_recorded_posteriors_have_no_log_p():
    params = {"loc": X.numpy(), "scale": np.ones((N, 3))}
    with pytest.raises(UnavailableError, match="holds posteriors"):
        genprobe.evaluate_posteriors(params, inference=2)


@pytest.mark.parametrize("name", ["simulate", "max_steps", "decoder_curve"])
def test_what_belongs_to_inference_asks_for_it(name):
    with pytest.raises(UsageError, match="inference=100"):
        genprobe.evaluate(model(), X, **{name: 3 if name != "decoder_curve" else True})


def test_a_group_that_cannot_be_right_is_refused_in_a_line(path):
    with write_sealed(path, like=path) as file:
        file["inference/index"][0] = N
    with pytest.raises(StoreError, match="damaged"):
        evaluate(path)


def test_of_a_posterior_with_two_modes_the_one_that_the_encoder_misses_is_found():
    """x = |z| + noise: the encoder, and what starts at it, sees the mode above 0 alone."""

    def decode(z):
        return {"loc": z.abs() * 3, "scale": torch.full_like(z, 0.5)}

    bimodal = model(
        encode=lambda x: {"loc": x / 3, "scale": torch.full_like(x, 0.17)}, decode=decode
    )
    x = 3 + 3 * torch.rand(20, 1, generator=torch.Generator().manual_seed(0))
    asked = {**QUICK, "max_steps": 64, "estimators": None, "inference": 4, "tolerance": 0.05}
    report = genprobe.evaluate(bimodal, x, **asked)
    assert any(notice.code == "mode-missed" for notice in report.warnings)
    assert report.inference.mixed
    z = torch.linspace(-8, 8, 20001, dtype=torch.float64)
    log_joint = torch.distributions.Normal(3 * z.abs(), 0.5).log_prob(x.double())
    log_joint = log_joint + torch.distributions.Normal(0.0, 1.0).log_prob(z)
    truth = -float((log_joint.logsumexp(1) + math.log(16 / 20000)).mean())
    assert abs(report["ais_bound"].value - truth) < 4 * report["ais_bound"].se + 0.05
