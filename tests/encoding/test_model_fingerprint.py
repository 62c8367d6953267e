import functools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal, StudentT

from genprobe import Model
from genprobe.encoding.model_fingerprint import model_fingerprint, tensor_hash
from genprobe.encoding.resolve import bind_prior
from genprobe.loaders.recorded import from_posteriors

SHAPE = torch.Size([2])
PLAIN = bind_prior("standard-normal", SHAPE, {})
PARAMS = {"loc": torch.rand(1, 2), "scale": torch.ones(1, 2)}


class Learned(nn.Module):
    def __init__(self):
        super().__init__()
        self.loc = nn.Parameter(torch.zeros(2))

    def forward(self):
        return Independent(StudentT(torch.tensor(3.0), self.loc, torch.ones(2)), 1)


@pytest.fixture
def encoder():
    return nn.Linear(4, 2)


@pytest.fixture
def decoder():
    return nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Linear(8, 4))


@pytest.fixture
def model(encoder, decoder):
    """A model that names its encoder as its module, as if that were all of it."""
    return Model(
        name="mine",
        encode=lambda x: {"loc": encoder(x), "scale": torch.ones(len(x), 2)},
        decode=lambda z: {"logits": decoder(z)},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="bernoulli",
        module=encoder,
    )


def of(model, prior=PLAIN, params=PARAMS):
    return model_fingerprint(model, params, prior)


def test_the_same_weights_have_the_same_fingerprint(model, encoder, decoder):
    first = of(model)
    both = nn.ModuleDict({"d": decoder, "e": encoder})
    others = [
        replace(model, name="other"),
        replace(model, module=None),
        replace(model, module=both),
        replace(model, decode=functools.partial(model.decode)),
        replace(model, encode=lambda x: {"loc": both["e"](x), "scale": torch.ones(len(x), 2)}),
    ]
    assert {of(other) for other in others} == {first}
    assert of(model, params={"loc": PARAMS["loc"] + 1}) == first
    encoder.to(torch.float64)
    assert of(model) == first


@pytest.mark.parametrize(
    "weights",
    [
        lambda encoder, decoder: encoder.bias,
        lambda encoder, decoder: decoder[0].weight,
        lambda encoder, decoder: decoder[1].running_mean,
    ],
    ids=["encoder", "decoder", "running mean"],
)
def test_any_change_of_a_weight_changes_it(model, encoder, decoder, weights):
    first = of(model)
    with torch.no_grad():
        weights(encoder, decoder).view(-1)[1] += 1e-6
    assert of(model) != first


def test_weights_of_the_condition_count(model):
    embedding = nn.Embedding(3, 2)
    given = replace(model, condition=lambda x, covariates: {"y": embedding(covariates["y"])})
    first = of(given)
    assert first != of(model)
    with torch.no_grad():
        embedding.weight[2, 1] += 1
    assert of(given) != first


def test_it_follows_what_is_learned_of_the_prior(model):
    def under(prior):
        return of(replace(model, prior=prior), bind_prior(prior, SHAPE, {}))

    plain, learned = of(model), Learned()
    assert under("standard-normal") == plain
    zeros, ones = torch.zeros(2), torch.ones(2)
    assert under(Normal(zeros, ones)) != plain
    assert under(Normal(ones, ones)) != under(Normal(zeros, ones))
    before = under(learned)
    assert under(learned) == before
    with torch.no_grad():
        learned.loc += 1
    assert under(learned) != before


def test_that_of_bare_functions_is_of_what_they_say():
    bare = Model(name="m", encode=dict, posterior="diagonal-normal", prior="standard-normal")
    x = torch.rand(1, 2)
    first = of(bare, params={"loc": x, "scale": x})
    assert of(bare, params={"scale": x.clone(), "loc": x}) == first
    assert of(bare, params={"loc": x, "scale": x + 1e-6}) != first
    assert of(bare, params={"scale": x, "loc": x + 1}) != first


def test_that_of_a_record_is_of_what_was_kept_and_of_its_prior():
    loc, scale = np.zeros((5, 2)), np.ones((5, 2))
    kept = from_posteriors({"loc": loc, "scale": scale})
    other = from_posteriors({"loc": loc + 1, "scale": scale})
    wide = bind_prior(Normal(torch.zeros(2), 2 * torch.ones(2)), SHAPE, {})
    assert of(kept) == of(from_posteriors({"loc": loc, "scale": scale}))
    assert len({of(kept), of(other), of(kept, wide)}) == 3


@pytest.mark.parametrize(
    "values",
    [torch.tensor(3), torch.ones(0, 2), torch.ones(2, 3).bfloat16(), torch.ones(2) * 1j],
    ids=["number", "empty", "half", "complex"],
)
def test_every_tensor_has_a_hash(values):
    assert tensor_hash(values) == tensor_hash(values.clone())
    assert tensor_hash(values) != tensor_hash(torch.ones(3, 2))
