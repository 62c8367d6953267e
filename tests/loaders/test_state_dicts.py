import argparse
import types

import pytest
import torch
from torch import nn

from genprobe.loaders.stand_ins import read_with_stand_ins
from genprobe.loaders.state_dicts import describe, is_average, state_dicts, under

W = {"encoder.weight": torch.ones(2), "decoder.weight": torch.ones(3)}
ADAM = {"state": {"0": {"exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 0.1}]}


def keys(content):
    return [state.key for state in state_dicts(content)]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (W, [""]),
        ({"epoch": 3, "model": W, "optimizer": ADAM}, ["model"]),
        ({"model": W, "ema": dict(W)}, ["model", "ema"]),
        ({"model": W, "state_dict": W}, ["model", "state_dict"]),
        ({"net": {"ema": {"params": W, "decay": 0.9}}}, ["net.ema.params"]),
        ({"model": W, "loss": torch.tensor(0.3)}, ["", "model"]),
        ({"optimizer": ADAM, "optimizer_states": [ADAM], "optim": {"model": W}}, []),
        ({"opt": {**ADAM, "inner": W}, "optimal_model": W}, ["optimal_model"]),
        ({"shadow": [torch.ones(2)]}, []),
        ({0: W, None: W}, []),
        ([W], []),
        (torch.ones(2), []),
        ({"w": {"_extra_state": torch.ones(1).tolist()}}, []),
    ],
    ids=str,
)
def test_state_dicts_are_found_wherever_they_lie(content, found):
    assert keys(content) == found


def test_what_a_module_adds_to_its_state_dict_is_part_of_it():
    extra = {**W, "encoder._extra_state": {"step": 3}}
    [found] = state_dicts({"model": extra})
    assert found.tensors is extra


def test_plain_values_among_tensors_are_left_out():
    [found] = state_dicts({**W, "epoch": 3})
    assert found.tensors == W


def test_a_checkpoint_that_holds_itself_ends():
    content = {"model": W}
    content |= {f"self{i}": content for i in range(50)}
    assert keys(content) == ["model"]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
        self.register_buffer("kept", torch.ones(2))
        self.register_buffer("passing", torch.ones(2), persistent=False)
        self.absent = nn.Linear(2, 2, bias=False)
        self.tied = self.layers[0]


@pytest.mark.parametrize("wrap", [lambda net: net, lambda net: {"model": net, "epoch": 1}])
def test_a_pickled_module_has_its_state_dict(tmp_path, write, wrap):
    net = Net()
    write(wrap(net), tmp_path / "m.pt")
    [found] = state_dicts(read_with_stand_ins(tmp_path / "m.pt"))
    torch.testing.assert_close(dict(found.tensors), dict(net.state_dict()), rtol=0, atol=0)


class Average:
    """Keeps an average of a module, as a training script does."""

    def __init__(self, module):
        self.module, self.decay = module, 0.9


def test_state_dicts_are_found_in_other_objects(tmp_path, write):
    write({"average": Average(Net()), "space": argparse.Namespace(model=W)}, tmp_path / "m.pt")
    assert keys(read_with_stand_ins(tmp_path / "m.pt")) == ["average.module", "space.model"]


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("model", [("model", W.keys())]),
        ("ema", [("ema.raw", W.keys()), ("ema.average", W.keys())]),
        ("ema.raw", [("ema.raw", W.keys())]),
        ("model.encoder", [("model.encoder", {"weight"})]),
        ("mod", []),
        ("model.encoder.weight", []),
        ("optimizer", []),
    ],
)
def test_a_path_chooses_a_state_dict_those_below_it_or_a_part_of_one(key, found):
    content = {"model": W, "ema": {"raw": W, "average": W}, "optimizer": ADAM}
    chosen = under(state_dicts(content), key)
    assert [(state.key, state.tensors.keys()) for state in chosen] == found


def test_a_path_chooses_a_part_at_the_top():
    [part] = under(state_dicts(W), "encoder")
    assert list(part.tensors) == ["weight"]


@pytest.mark.parametrize(
    "key", ["ema", "params_ema", "model_ema.net", "netEMA", "EMA", "swa_model"]
)
def test_averages_are_told_by_their_names(key):
    assert is_average(key)


@pytest.mark.parametrize("key", ["", "model", "state_dict", "remainder", "semantic", "params"])
def test_other_names_are_no_averages(key):
    assert not is_average(key)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (W, "encoder (1 tensor), decoder (1 tensor)"),
        (
            {"epoch": 3, "model": W, "args": types.SimpleNamespace()},
            "epoch, model (2 tensors), args",
        ),
        ({}, "nothing"),
        ({"\x1b[2Jw\n": 1, "long" * 50: 1}, f"\\x1b[2Jw\\n, {('long' * 50)[:79]}…"),
        ([1], "a list"),
        ({str(i): 0 for i in range(9)}, "0, 1, 2, 3, 4, 5 and 3 more"),
    ],
)
def test_what_a_checkpoint_holds_is_told(content, words):
    assert describe(content) == words
