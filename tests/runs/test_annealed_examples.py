import pytest
import torch

import genprobe
from genprobe.encoding.calls import bind
from genprobe.encoding.parts import Parts
from genprobe.errors import UnavailableError
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.likelihoods.bernoulli import bernoulli
from genprobe.likelihoods.normal_optimal_sigma import normal_optimal_sigma
from genprobe.priors.standard_normal import build
from genprobe.runs import annealed_examples
from genprobe.runs.annealed_examples import Annealed, SimulatedChunk, chunks_of
from genprobe.types import FittedScale

N, K = 200, 2


@pytest.fixture
def make(tmp_path):
    """A model on data of its own, with some context if it is asked for."""

    def make(likelihood=bernoulli, decode=None, scale=None, **parts):
        model = genprobe.Model(
            name="m",
            encode=lambda x, **c: {"loc": x, "scale": torch.full_like(x, 0.5)},
            decode=decode or (lambda z, **c: {"logits": 2 * z}),
            posterior="diagonal-normal",
            prior="standard-normal",
            likelihood=likelihood,
            **parts,
        )
        x = torch.arange(N * K).remainder(2).view(N, K).float()
        x[::3] = 1
        data = {"x": x, "c": torch.arange(N).float()}
        store = genprobe.evaluate(
            model, data, store=tmp_path / "s.h5", estimators={}, device="cpu"
        ).store
        prior = build(torch.Size([K]), {})
        parts = Parts(model=model, posterior=diagonal_normal, prior=prior, likelihood=likelihood)
        calls = bind(parts, device=torch.device("cpu"), dtype=torch.float32, batch_size=64)
        dataset = genprobe.open_dataset(data)
        return Annealed(calls=calls, prior=prior, scale=scale, dataset=dataset, store=store), x

    return make


def test_a_chunk_has_its_examples_their_context_and_what_the_encoder_says(make):
    of, x = make(condition=lambda x, covariates: {"c": covariates["c"][:, None]})
    index = torch.tensor([3, 4, 150])
    (chunk,) = chunks_of(of, index)
    assert torch.equal(chunk.given[0], x[index])
    assert chunk.given[1]["c"].flatten().tolist() == [3, 4, 150]
    torch.testing.assert_close(chunk.start["loc"], x[index])


def test_noise_does_not_depend_on_how_many_chunks_there_are(make, monkeypatch):
    monkeypatch.setattr(annealed_examples, "CHUNK", 4)
    of, _ = make()
    few, many = (chunks_of(of, torch.arange(n)) for n in (4, 12))
    assert [len(chunk.index) for chunk in many] == [4, 4, 4]
    assert few[0].seed("fit") == many[0].seed("fit") != many[1].seed("fit")


def test_simulated_examples_are_of_the_model(make, monkeypatch):
    monkeypatch.setattr(annealed_examples, "CHUNK", N)
    of, _ = make()
    (chunk,) = chunks_of(of, torch.arange(N), SimulatedChunk)
    z, x = chunk.drawn
    assert set(x.unique().tolist()) == {0.0, 1.0}
    p = torch.sigmoid(2 * z)
    assert abs(float((x - p).mean())) < 4 * 0.5 / (N * K) ** 0.5
    assert float(((x - 0.5) * z).mean()) > 0.1  # which a shuffled z would not have
    torch.testing.assert_close(chunk.start["loc"], x)


def test_a_scale_that_is_fitted_to_the_data_is_that_of_simulated_ones(make, monkeypatch):
    monkeypatch.setattr(annealed_examples, "CHUNK", N)
    scale = FittedScale(scale=0.1, factor=100.0, offset=-5.0)
    of, _ = make(normal_optimal_sigma, lambda z: {"loc": z}, scale)
    (chunk,) = chunks_of(of, torch.arange(N), SimulatedChunk)
    z, x = chunk.drawn
    assert float((x - z).std()) == pytest.approx(0.1, rel=0.2)


def test_a_likelihood_that_cannot_be_sampled_says_so(make):
    of, _ = make(normal_optimal_sigma, lambda z: {"loc": z})
    (chunk,) = chunks_of(of, torch.arange(2), SimulatedChunk)
    with pytest.raises(UnavailableError, match="cannot be sampled"):
        chunk.drawn  # noqa: B018
