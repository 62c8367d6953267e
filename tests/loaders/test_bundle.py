import itertools
import sys
from dataclasses import replace

import pytest
import torch
from torch.distributions import Independent, Laplace, Normal, StudentT

import genprobe
from genprobe import Model, NamedPrior
from genprobe.architectures.mlp_vae import ACTIVATIONS, LIKELIHOODS, PRIORS, MlpVae
from genprobe.encoding.resolve import bind_prior
from genprobe.errors import ModelError, UntrustedError
from genprobe.loaders.bundle import load_bundle, require_plain
from genprobe.plugins import plugins
from genprobe.priors.token_context import token_context
from genprobe.priors.token_histogram import token_histogram
from genprobe.priors.token_levels import token_levels
from genprobe.priors.token_positions import token_positions
from genprobe.types import Codes

FACTORY = """
import genprobe, torch
def build(width=1, fail=False, prior="standard-normal"):
    if fail:
        raise ValueError("no such width")
    net = torch.nn.Linear(width, 2 * width)
    def encode(x):
        loc, log_scale = net(x).chunk(2, 1)
        return {"loc": loc, "scale": log_scale.exp()}
    return genprobe.Model(name="untrained", encode=encode, posterior="diagonal-normal",
                          prior=prior, module=net)
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
    with pytest.raises(UntrustedError, match=r"own_vae:build(?s:.*)--factory own_vae:build"):
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


MIXTURE = {"loc": torch.randn(4, 2), "scale": torch.rand(4, 2) + 0.5}
TENSORS = {
    "diagonal-normal": {"loc": torch.randn(2), "scale": torch.rand(2) + 0.5},
    "channel-normal": {"loc": torch.randn(1), "scale_tril": torch.eye(1)},
    "stationary-normal": {"loc": torch.randn(1, 2), "scale_tril": torch.ones(2, 1, 1)},
    "full-normal": {"loc": torch.randn(2), "scale_tril": torch.eye(2)},
    "normal-mixture": MIXTURE,
    "vamp": {f"diagonal-normal.{k}": v for k, v in MIXTURE.items()},
    "laplace": {"loc": torch.randn(2), "scale": torch.rand(2) + 0.5},
    "gamma": {"concentration": torch.rand(2) + 0.5, "rate": torch.rand(2) + 0.5},
    "beta": {"concentration1": torch.rand(2) + 0.5, "concentration0": torch.rand(2) + 0.5},
    "poisson": {"rate": torch.rand(2) + 0.5},
    "bernoulli": {"logits": torch.randn(2)},
    "categorical": {"logits": torch.randn(2, 5)},
    "uniform-categorical": {"classes": torch.tensor(5)},
    "standard-normal": {},
    "uniform-sphere": {},
}
COUNTED = Codes(
    mean=torch.randint(3, (40, 2)).double(),
    variance=torch.zeros(40, 2).double(),
    event_shape=torch.Size([2]),
    classes=3,
)
STACKED = replace(COUNTED, event_shape=torch.Size([2, 1]), levels=True)
for counted, fitted in (
    (token_histogram, COUNTED),
    (token_positions, COUNTED),
    (token_context, COUNTED),
    (token_levels, STACKED),
):
    TENSORS[counted.name] = counted.fit(fitted, 1, 0)


SHAPES = {
    "channel-normal": torch.Size([1, 2]),
    "stationary-normal": torch.Size([1, 2]),
    "token-levels": torch.Size([2, 1]),
}
"""Of z, where it is not of two values in a row."""


def test_every_prior_that_is_built_from_tensors_is_tried():
    assert TENSORS.keys() == {part.name for part in plugins().parts("priors")}


@pytest.mark.parametrize("name", TENSORS)
@pytest.mark.parametrize("reference", [True, False], ids=["mlp-vae", "own"])
def test_any_prior_of_tensors_comes_back(own_code, network, tmp_path, name, reference):
    model, how = own_code[0], {"factory": "own_vae:build", "config": {"width": 3}}
    if reference:
        model, how = network.as_model("mine"), {}
    given = NamedPrior(name=name, params=TENSORS[name]) if TENSORS[name] else name
    shape = SHAPES.get(name, torch.Size([2]))
    truth = bind_prior(given, shape, {})
    for prior in [given, truth] if truth.params else [given]:
        genprobe.save(replace(model, prior=prior), tmp_path / "model.pt", **how)
        loaded = genprobe.load(tmp_path / "model.pt", trust=True)
        z = truth.sample(5)
        again = bind_prior(loaded.prior, shape, {})
        assert torch.equal(again.log_prob(z), truth.log_prob(z))


def test_a_distribution_is_saved_as_the_prior_that_it_is(network, tmp_path):
    given = Independent(Laplace(torch.zeros(2), torch.ones(2)), 1)
    genprobe.save(replace(network.as_model("mine"), prior=given), tmp_path / "model.pt")
    assert genprobe.load(tmp_path / "model.pt").prior.name == "laplace"


def test_learned_weights_reach_a_prior_that_is_made_when_asked_for(own_code, tmp_path):
    _, path = own_code
    import own_vae

    net = torch.nn.Linear(3, 6)

    def prior(of):
        return lambda: Independent(Normal(of.bias[:3], of.bias[3:].exp()), 1)

    saved = replace(own_vae.build(width=3), module=net, prior=prior(net))
    genprobe.save(saved, path, factory="own_vae:build", config={"width": 3})
    rebuilt = replace(own_vae.build(width=3), prior=None)
    loaded = genprobe.load(path, trust=True)
    late = replace(rebuilt, module=loaded.module, prior=prior(loaded.module))
    z = torch.randn(5, 3)
    found, truth = (bind_prior(m.prior, torch.Size([3]), {}).log_prob(z) for m in (late, saved))
    torch.testing.assert_close(found, truth)


def test_a_prior_that_nothing_rebuilds_is_not_saved_in_silence(network, tmp_path):
    module = genprobe.prior_from_module(lambda: Independent(StudentT(torch.ones(2) * 3), 1), "t")
    for prior in (module, module.log_prob, Independent(StudentT(torch.ones(2) * 3), 1)):
        with pytest.raises(ModelError, match="neither a registered name nor tensors"):
            genprobe.save(replace(network.as_model("mine"), prior=prior), tmp_path / "model.pt")
    assert not (tmp_path / "model.pt").exists()


@pytest.mark.parametrize("prior", [3, {"name": "vamp"}, {"params": {}}, {"name": "x", "params": 1}])
def test_a_prior_that_does_not_read_is_told(network, tmp_path, prior):
    genprobe.save(network.as_model("mine"), tmp_path / "model.pt")
    edit(tmp_path / "model.pt", prior=prior)
    with pytest.raises(ModelError, match=r"model\.pt (is damaged: its prior|holds a)"):
        genprobe.load(tmp_path / "model.pt")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, "version 2; this genprobe reads 1"),
        ({"architecture": "gan"}, "'gan', unknown"),
        ({"config": ..., "state": ...}, "lacks config, state"),
        ({"config": {"latent": 2}}, "is no mlp-vae: .*data_shape"),
        ({"config": {"data_shape": [4], "latent": 0}}, "must be positive"),
        ({"config": {"data_shape": [4], "latent": 3, "hidden": [3]}}, "do not fit.*other shapes"),
        ({"config": "none"}, "its config is a str"),
        ({"state": [1, 2]}, "its state is a list"),
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
    with pytest.raises(ModelError, match=r"no folder .*absent"):
        genprobe.save(network.as_model("mine"), tmp_path / "absent" / "model.pt")


def test_a_bundle_whose_writing_fails_leaves_the_one_that_was_there(tmp_path, network, monkeypatch):
    path = tmp_path / "model.pt"
    genprobe.save(network.as_model("mine"), path)
    before = path.read_bytes()

    def break_off(content, file):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(torch, "save", break_off)
    with pytest.raises(ModelError, match="No space left"):
        genprobe.save(network.as_model("other"), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_no_bundle_is_not_replaced(tmp_path, network):
    path = tmp_path / "model.pt"
    torch.save(network.state_dict(), path)
    before = path.read_bytes()
    with pytest.raises(ModelError, match="is there and is not a genprobe bundle"):
        genprobe.save(network.as_model("mine"), path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("value", [1, "a", 1.5, None, True, [1, (2,)], {"a": {"b": []}}])
def test_plain_values_pass(value):
    require_plain(value)
