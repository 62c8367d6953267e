import pytest
import torch

from genprobe.annealing.best_scale import best_scale
from genprobe.annealing.without_encoder import start_of
from genprobe.encoding.resolve import bind_model
from genprobe.likelihoods.normal_optimal_sigma import fit_scale
from genprobe.types import Model


def test_the_scale_is_that_of_the_data_whatever_it_starts_at(monkeypatch):
    monkeypatch.setattr("genprobe.annealing.best_scale.ROUNDS", 4)
    monkeypatch.setattr("genprobe.annealing.best_scale.STEPS", 100)
    monkeypatch.setattr("genprobe.annealing.without_encoder.FIRST", 50)
    made = torch.Generator().manual_seed(1)
    weight = torch.randn(30, 2, generator=made)
    x = torch.randn(16, 2, generator=made) @ weight.T + 0.2 * torch.randn(16, 30, generator=made)
    parts = {"prior": "standard-normal", "likelihood": "normal-optimal-sigma", "latent_shape": (2,)}
    model = Model(name="half", encode=None, decode=lambda z: {"loc": z @ weight.T}, **parts)
    calls = bind_model(model, device=torch.device("cpu"), dtype=torch.float32, batch_size=512)
    found = best_scale(calls, x, start_of(calls, seed=0), fit_scale)
    assert found.scale == pytest.approx(0.2, rel=0.1)
