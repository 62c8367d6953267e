import math

import pytest
import torch
from torch import nn

import genprobe
from genprobe.errors import ModelError, UsageError
from genprobe.loaders.generator import from_generator, taken_by


@pytest.mark.parametrize(
    ("layers", "shape"),
    [
        ([nn.Linear(7, 3)], (7,)),
        ([nn.Flatten(), nn.Unflatten(1, (4, 1, 1)), nn.ConvTranspose2d(4, 2, 3)], (4, 1, 1)),
        ([nn.ConvTranspose1d(5, 2, 3), nn.Linear(7, 3)], (5, 1)),
    ],
)
def test_the_first_layer_with_weights_says_the_shape_of_z(layers, shape):
    assert taken_by(nn.Sequential(*layers)) == shape
    assert from_generator(nn.Sequential(*layers), scale=0.1).latent_shape == shape


@pytest.mark.parametrize("layers", [[nn.ReLU()], [nn.Embedding(3, 2), nn.Linear(2, 3)]])
def test_a_first_layer_of_another_kind_says_nothing(layers):
    with pytest.raises(ModelError, match=r"Nothing says the shape of z.*\n.*latent_shape="):
        from_generator(nn.Sequential(*layers), scale=0.1)


@pytest.mark.parametrize("scale", [0, -1.0, math.inf, math.nan, "best", True])
def test_a_scale_that_makes_no_sense_is_refused(scale):
    with pytest.raises(UsageError, match=r"positive number or optimal"):
        from_generator(nn.Linear(2, 3), scale=scale)


def test_the_noise_is_of_the_scale_that_was_stated():
    model = from_generator(nn.Linear(2, 3), scale=0.25)
    found = model.decode(torch.zeros(4, 2))
    assert found["loc"].shape == (4, 3)
    assert found["scale"].item() == 0.25
    assert from_generator(nn.Linear(2, 3), scale="optimal").decode(torch.zeros(4, 2)).keys() == {
        "loc"
    }


def test_what_gives_more_than_x_is_refused():
    model = from_generator(lambda z: (z, z), scale=1.0, latent_shape=(2,))
    with pytest.raises(ModelError, match=r"returns a tuple, not a tensor.*\n"):
        model.decode(torch.zeros(4, 2))


FACTORY = """
import torch, genprobe

def network():
    return torch.nn.Linear(2, 3)

def whole():
    return genprobe.from_generator(network(), scale=0.5)
"""


def test_a_factory_may_return_the_network_if_its_noise_is_stated(tmp_path):
    (tmp_path / "gan.py").write_text(FACTORY)
    weights = torch.nn.Linear(2, 3)
    torch.save(weights.state_dict(), tmp_path / "gan.pt")
    path, factory = tmp_path / "gan.pt", f"{tmp_path / 'gan.py'}:network"
    model = genprobe.load(path, factory=factory, observation_scale="optimal")
    assert torch.equal(model.module.weight, weights.weight)
    assert (model.name, model.encode, model.likelihood) == ("gan.pt", None, "normal-optimal-sigma")
    with pytest.raises(ModelError, match=r"not a genprobe.Model.*\n.*--observation-scale"):
        genprobe.load(path, factory=factory)
    whole = factory.replace("network", "whole")
    with pytest.raises(ModelError, match=r"is a whole Model .likelihood normal"):
        genprobe.load(path, factory=whole, observation_scale=0.1)
    with pytest.raises(ModelError, match=r"for a function that builds.*\n.*--factory"):
        genprobe.load(path, observation_scale=0.1)
