import sys

import pytest
import torch

import genprobe
from genprobe.errors import DataError, ModelError
from genprobe.loaders.factory import load_with_factory, state_dict, takes_path

MODULE = """
import torch
from genprobe import GenprobeError, Model
from genprobe.errors import DataError

def wrap(net, name="built"):
    def encode(x):
        loc = net(x)
        return {"loc": loc, "scale": torch.ones_like(loc)}
    return Model(name=name, encode=encode, posterior="diagonal-normal", prior="standard-normal",
                 module=net)

def untrained():
    return wrap(torch.nn.Linear(3, 2))

def wider():
    return wrap(torch.nn.Linear(4, 2))

def deeper():
    return wrap(torch.nn.Sequential(torch.nn.Linear(3, 2)))

def reads(path, width=3):
    net = torch.nn.Linear(width, 2)
    net.load_state_dict({k: 2 * v for k, v in torch.load(path, weights_only=True).items()})
    return wrap(net, name=path.name)

def optional(width=3):
    return wrap(torch.nn.Linear(width, 2))

def bare():
    return Model(name="bare", encode=dict, posterior="diagonal-normal", prior="standard-normal")

def network():
    return torch.nn.Linear(3, 2)

def fails():
    return 1 / 0

def refuses():
    raise DataError("The scroll is sealed.", "Break the seal.")
"""


@pytest.fixture
def net(tmp_path, monkeypatch):
    """Weights in ``w.pt``, and a module of factories in the current folder."""
    (tmp_path / "factories.py").write_text(MODULE)
    (tmp_path / "broken.py").write_text("import nowhere_to_be_found\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    net = torch.nn.Linear(3, 2)
    torch.save(net.state_dict(), "w.pt")
    yield net
    for name in ("factories", "broken"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("factory", ["untrained", "optional"])
def test_a_factory_without_path_gets_the_weights_loaded(net, tmp_path, factory):
    model = genprobe.load("w.pt", factory=f"factories:{factory}")
    x = torch.randn(5, 3)
    torch.testing.assert_close(model.encode(x)["loc"], net(x))


def test_a_factory_with_a_path_reads_the_file_itself(net, tmp_path):
    model = genprobe.load(tmp_path / "w.pt", factory="factories:reads")
    x = torch.randn(5, 3)
    torch.testing.assert_close(model.encode(x)["loc"], 2 * net(x))
    assert model.name == "w.pt"


def test_a_factory_that_takes_the_path_may_be_given_what_is_no_checkpoint(net, tmp_path):
    (tmp_path / "w.csv").write_text("1,2")
    with pytest.raises(ModelError, match=r"factories:reads fails for w\.csv"):
        genprobe.load("w.csv", factory="factories:reads")


@pytest.mark.parametrize("key", ["state_dict", "model_state_dict", "model", "state"])
def test_weights_are_found_in_a_larger_checkpoint(net, tmp_path, key):
    torch.save({key: net.state_dict(), "epoch": 3, "lr": 0.1}, "w.pt")
    x = torch.randn(2, 3)
    model = genprobe.load("w.pt", factory="factories:untrained")
    torch.testing.assert_close(model.encode(x)["loc"], net(x))


@pytest.mark.parametrize("content", [torch.ones(3), {"epoch": 3}, {"model": {"w": 1}}, [1]])
def test_a_checkpoint_without_weights_is_told(tmp_path, content):
    with pytest.raises(ModelError, match="holds no state dict"):
        state_dict(content, tmp_path)


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("factories", "MODULE:FACTORY.*not 'factories'"),
        (":untrained", "MODULE:FACTORY"),
        ("factories:absent", "cannot be imported: AttributeError"),
        ("absent_module:build", "cannot be imported: ModuleNotFoundError.*absent_module"),
        ("broken:build", "cannot be imported: .*nowhere_to_be_found"),
        ("factories:fails", r"fails for w\.pt: ZeroDivisionError"),
        ("factories:network", r"returns a Linear, not a genprobe\.Model"),
        ("factories:bare", r"for w\.pt has no module"),
        ("factories:wider", r"weights in w\.pt do not fit the module: size mismatch for weight"),
        ("factories:deeper", "do not fit the module: Missing key"),
    ],
)
def test_a_factory_that_does_not_fit_is_told_in_two_lines(net, factory, message):
    with pytest.raises(ModelError, match=message) as told:
        genprobe.load("w.pt", factory=factory)
    assert len(str(told.value).splitlines()) <= 2


def test_a_factorys_own_words_are_kept(net, tmp_path):
    with pytest.raises(DataError, match="sealed"):
        load_with_factory("factories:refuses", tmp_path / "w.pt")


def test_a_builtin_that_names_no_parameters_is_tried_with_the_path():
    assert takes_path(torch.eye)


def test_only_a_required_positional_parameter_takes_the_path():
    assert takes_path(lambda path: None)
    assert takes_path(lambda path, *, width=1: None)
    for factory in (lambda: None, lambda width=1: None, lambda *, width: None, lambda *a, **k: 0):
        assert not takes_path(factory)
