import itertools
import sys

import pytest
import torch

import genprobe
from genprobe import Model
from genprobe.architectures.mlp_vae import ACTIVATIONS, LIKELIHOODS, PRIORS, MlpVae
from genprobe.errors import ModelError, UntrustedError
from genprobe.loaders.bundle import load_bundle, require_plain

FACTORY = """
import genprobe, torch
def build(width=1, fail=False):
    if fail:
        raise ValueError("no such width")
    net = torch.nn.Linear(width, 2 * width)
    def encode(x):
        loc, log_scale = net(x).chunk(2, 1)
        return {"loc": loc, "scale": log_scale.exp()}
    return genprobe.Model(name="untrained", encode=encode, posterior="diagonal-normal",
                          prior="standard-normal", module=net)
"""


@pytest.fixture
def own_code(tmp_path, monkeypatch):
    """A bundle of a model that only the user's own module, ``own_vae``, can rebuild."""
    (tmp_path / "own_vae.py").write_text(FACTORY)
    monkeypatch.syspath_prepend(tmp_path)
    import own_vae

    model, path = own_vae.build(width=3), tmp_path / "own.pt"
    genprobe.save(model, path, factory="own_vae:build", config={"width": 3})
    yield model, path
    del sys.modules["own_vae"]


def edit(path, **changes):
    content = torch.load(path, weights_only=True)
    torch.save({k: v for k, v in (content | changes).items() if v is not ...}, path)


@pytest.mark.parametrize(
    ("prior", "likelihood", "activation", "scale"),
    [
        *((p, lk, a, None) for p, lk, a in itertools.product(PRIORS, LIKELIHOODS, ACTIVATIONS)),
        ("standard-normal", "normal", "relu", 0.3),
    ],
)
def test_an_mlp_vae_comes_back_with_the_same_outputs(
    tmp_path, prior, likelihood, activation, scale
):
    options = {"prior": prior, "likelihood": likelihood, "activation": activation, "scale": scale}
    module = MlpVae(data_shape=(2, 3), latent=2, hidden=(5, 4), **options)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter)
    saved = module.as_model("mine", {"data": "digits", "beta": 0.5})
    genprobe.save(saved, tmp_path / "model.pt")
    loaded = genprobe.load(tmp_path / "model.pt")
    x, z = torch.randn(7, 2, 3), torch.randn(7, 2)
    torch.testing.assert_close(loaded.encode(x), saved.encode(x), rtol=0, atol=0)
    torch.testing.assert_close(loaded.decode(z), saved.decode(z), rtol=0, atol=0)
    assert (loaded.name, loaded.training) == ("mine", {"data": "digits", "beta": 0.5})
    assert (loaded.posterior, loaded.likelihood) == ("diagonal-normal", likelihood)
    if prior == "standard-normal":
        assert loaded.prior == "standard-normal"
    else:
        torch.testing.assert_close(loaded.prior.log_prob(z), saved.prior.log_prob(z))
        torch.testing.assert_close(loaded.prior.params["loc"].float(), module.prior_loc.data)


def test_a_bundle_holds_nothing_but_tensors_and_plain_types(tmp_path, network):
    genprobe.save(network.as_model("mine"), tmp_path / "model.pt")
    content = torch.load(tmp_path / "model.pt", weights_only=True)
    assert (content["format"], content["version"]) == ("genprobe.bundle", 1)
    assert content["state"].keys() == network.state_dict().keys()


def test_own_code_needs_the_users_word(own_code):
    _, path = own_code
    with pytest.raises(UntrustedError, match=r"own_vae:build(?s:.*)--model own_vae:build"):
        genprobe.load(path)


@pytest.mark.parametrize("word", [{"trust": True}, {"factory": "own_vae:build"}])
def test_own_code_rebuilds_the_model_with_its_config_and_weights(own_code, word):
    model, path = own_code
    x = torch.randn(4, 3)
    torch.testing.assert_close(genprobe.load(path, **word).encode(x), model.encode(x))


def test_own_code_that_fails_is_told(own_code):
    _, path = own_code
    edit(path, config={"fail": True})
    with pytest.raises(ModelError, match=r"own_vae:build fails for .*own\.pt: ValueError: no such"):
        load_bundle(path, True)


def test_a_bundle_is_taken_for_the_name_it_was_saved_under(own_code):
    _, path = own_code
    edit(path, name="renamed", training={"data": "x.npy"})
    loaded = load_bundle(path, True)
    assert (loaded.name, loaded.training) == ("renamed", {"data": "x.npy"})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "version 2; this genprobe reads 1"),
        ({"architecture": "gan"}, "'gan', unknown"),
        ({"config": ..., "state": ...}, "lacks config, state"),
        ({"config": {"latent": 2}}, "is no mlp-vae: .*data_shape"),
        ({"config": {"data_shape": [4], "latent": 0}}, "must be positive"),
        ({"config": {"data_shape": [4], "latent": 3, "hidden": [3]}}, "do not fit.*size mismatch"),
        ({"config": "none"}, "is no mlp-vae"),
        ({"state": [1, 2]}, "do not fit"),
        ({"format": "other"}, "not a genprobe bundle"),
    ],
)
def test_a_damaged_bundle_is_told(tmp_path, network, changes, message):
    path = tmp_path / "model.pt"
    genprobe.save(network.as_model("mine"), path)
    edit(path, **changes)
    with pytest.raises(ModelError, match=message):
        load_bundle(path, False)


def test_weights_are_saved_as_they_are_now(tmp_path, network):
    model = network.as_model("mine")
    genprobe.save(model, tmp_path / "a.pt")
    with torch.no_grad():
        network.encoder[0].weight.zero_()
    genprobe.save(model, tmp_path / "a.pt")
    assert not genprobe.load(tmp_path / "a.pt").module.encoder[0].weight.any()


def unsavable(network):
    parts = {"encode": network.encode, "posterior": "diagonal-normal", "prior": "standard-normal"}
    yield Model(name="bare", **parts), {}, "no module"
    other = Model(name="other", **parts, module=torch.nn.Linear(1, 1))
    yield other, {}, "cannot rebuild a Linear(?s:.*)factory="
    yield other, {"factory": "a:b", "config": {"f": [print]}}, r"config\['f'\]\[0\] is a builtin"
    yield network.as_model("x", {"when": object()}), {}, "'when'.* is a object"


@pytest.mark.parametrize("case", range(4))
def test_what_cannot_be_saved_is_told_and_nothing_is_written(tmp_path, network, case):
    model, options, message = list(unsavable(network))[case]
    with pytest.raises(ModelError, match=message):
        genprobe.save(model, tmp_path / "model.pt", **options)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_told(tmp_path, network):
    with pytest.raises(ModelError, match=r"cannot be written at .*absent"):
        genprobe.save(network.as_model("mine"), tmp_path / "absent" / "model.pt")


@pytest.mark.parametrize("value", [1, "a", 1.5, None, True, [1, (2,)], {"a": {"b": []}}])
def test_plain_values_pass(value):
    require_plain(value)
