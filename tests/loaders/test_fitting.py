import pytest
import torch
from torch import nn

from genprobe.loaders.fitting import fits, mismatch, same_tensors
from genprobe.loaders.state_dicts import StateDict


def net(width=3):
    parts = {"encoder": nn.Linear(4, width), "decoder": nn.Linear(width, 4), "n": nn.BatchNorm1d(3)}
    return nn.ModuleDict(parts)


NET = net()
WEIGHTS = NET.state_dict()
PREFIXES = ["module.", "_orig_mod.", "model.", "vae.", "module._orig_mod.model.", "_orig_mod.vae."]


def renamed(rename, weights=WEIGHTS):
    return {rename(name): values for name, values in weights.items()}


def found(*states):
    return [StateDict(key=key, tensors=tensors) for key, tensors in states]


def check(fit, weights=WEIGHTS):
    assert fit.tensors.keys() == weights.keys()
    assert all(torch.equal(fit.tensors[name], weights[name]) for name in weights)


def test_names_that_fit_are_left_as_they_are():
    [fit] = fits(found(("model", WEIGHTS)), net())
    assert fit.tensors is WEIGHTS
    assert (fit.key, fit.renamed, fit.left) == ("model", "", ())


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_prefix_that_every_name_has_is_stripped(prefix):
    [fit] = fits(found(("", renamed(lambda name: prefix + name))), net())
    check(fit)
    assert fit.renamed == f"without the prefix {prefix!r} of the file"
    assert (fit.key, fit.left) == ("", ())


@pytest.mark.parametrize("prefix", ["model.", "vae.net."])
def test_a_prefix_that_only_the_module_has_is_added(prefix):
    module = net()
    for word in reversed(prefix.removesuffix(".").split(".")):
        module = nn.ModuleDict({word: module})
    [fit] = fits(found(("", WEIGHTS)), module)
    check(fit, module.state_dict() | renamed(lambda name: prefix + name))
    assert fit.renamed == f"with the module's prefix {prefix!r}"


@pytest.mark.parametrize("wrapper", ["module", "_orig_mod"])
def test_a_wrapper_in_the_middle_of_names_is_left_out(wrapper):
    weights = renamed(lambda name: name.replace("encoder.", f"encoder.{wrapper}."))
    [fit] = fits(found(("", weights)), net())
    check(fit)
    [back] = fits(found(("", WEIGHTS)), nn.ModuleDict({**net(), "encoder": wrapped(wrapper)}))
    assert back.tensors.keys() == weights.keys()


def wrapped(wrapper):
    module = nn.Module()
    module.add_module(wrapper, nn.Linear(4, 3))
    return module


def test_the_part_of_a_larger_module_is_taken_and_the_rest_counted():
    weights = renamed(lambda name: f"vae.{name}") | {"critic.weight": torch.ones(2)}
    [fit] = fits(found(("state_dict", weights)), net())
    check(fit)
    assert (fit.key, fit.left) == ("state_dict.vae", ("critic.weight",))


def test_weights_of_a_training_that_were_not_averaged_come_first():
    other = net().state_dict()
    states = found(("ema", other), ("model", WEIGHTS), ("best", other))
    assert [fit.key for fit in fits(states, net())] == ["model", "best", "ema"]
    flat = renamed(lambda n: f"ema_model.{n}", other) | renamed(lambda n: f"online_model.{n}")
    first, second = fits(found(("", flat)), net())
    assert (first.key, second.key) == ("online_model", "ema_model")
    check(first)
    check(second, other)
    assert not same_tensors(first, second)
    assert same_tensors(first, first)


@pytest.mark.parametrize(
    "weights",
    [
        net(width=5).state_dict(),
        {name: values for name, values in WEIGHTS.items() if name != "encoder.bias"},
        {**WEIGHTS, "more": torch.ones(1)},
        renamed(lambda name: f"a.{name}" if "encoder" in name else f"b.{name}"),
        {"loss": torch.ones(1)},
    ],
    ids=["shapes", "fewer", "more", "two prefixes", "other"],
)
def test_what_does_not_fit_does_not(weights):
    assert fits(found(("", weights)), net()) == []


def test_a_tensor_that_the_module_has_twice_may_be_in_the_file_once():
    module = net()
    module["again"] = module["encoder"]
    [fit] = fits(found(("", renamed(lambda name: f"model.{name}"))), module)
    assert fit.tensors.keys() == module.state_dict().keys()
    assert torch.equal(fit.tensors["again.weight"], WEIGHTS["encoder.weight"])
    module["other"] = nn.Linear(4, 3)
    assert fits(found(("", WEIGHTS)), module) == []


def test_counts_that_old_checkpoints_lack_are_not_asked_for():
    old = {f"vae.{k}": v for k, v in WEIGHTS.items() if not k.endswith("num_batches_tracked")}
    [fit] = fits(found(("", old)), net())
    net().load_state_dict(fit.tensors)
    assert fit.tensors.keys() == WEIGHTS.keys() - {"n.num_batches_tracked"}


def test_a_module_without_tensors_fits_nothing():
    assert fits(found(("", WEIGHTS)), nn.ReLU()) == []


def test_lazy_modules_take_any_shape():
    lazy = nn.ModuleDict({"encoder": nn.LazyLinear(3)})
    weights = {"encoder.weight": torch.ones(3, 4), "encoder.bias": torch.ones(3)}
    [fit] = fits(found(("", renamed(lambda name: f"model.{name}", weights))), lazy)
    assert fit.tensors.keys() == weights.keys()


def test_a_mismatch_names_a_few_of_each():
    weights = {f"more{i}": torch.ones(1) for i in range(5)} | {"encoder.bias": torch.ones(7)}
    assert mismatch(weights, nn.ModuleDict({"encoder": nn.Linear(4, 3)})) == (
        "it lacks encoder.weight of the module; the module has no more0, more1, more2 and 2 more "
        "of the file; other shapes: encoder.bias (7,), in the module (3,)"
    )


def test_what_torch_averages_fits_with_its_counter_left_out():
    averaged = torch.optim.swa_utils.AveragedModel(NET).state_dict()
    assert "n_averaged" in averaged
    [fit] = fits(found(("ema", averaged)), net())
    check(fit)
    assert fit.left == ()
