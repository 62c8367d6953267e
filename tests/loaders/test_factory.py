import argparse
import copy
import json
import logging
import pathlib
import pickle
import sys

import pytest
import torch
from safetensors.torch import save_file

import genprobe
from genprobe.errors import DataError, ModelError
from genprobe.loaders.factory import load_with_factory, takes_path

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

def unlike():
    return wrap(torch.nn.ModuleDict({"other": torch.nn.Linear(3, 3)}))

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

def build_vae():
    net = torch.nn.ModuleDict({"encoder": torch.nn.Linear(6, 4), "decoder": torch.nn.Linear(2, 6)})
    def encode(x):
        loc, raw = net["encoder"](x).chunk(2, 1)
        return {"loc": loc, "scale": (raw / 2).exp()}
    return Model(name="vae", encode=encode, decode=lambda z: {"logits": net["decoder"](z)},
                 posterior="diagonal-normal", prior="standard-normal", likelihood="bernoulli",
                 module=net)

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


class Vae(torch.nn.Module):
    """Linear, on 6 values, with a code of 2, as ``build_vae`` above makes it."""

    def __init__(self, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.encoder, self.decoder = torch.nn.Linear(6, 4), torch.nn.Linear(2, 6)


RAW, EMA = Vae(0), Vae(1)
X = (torch.rand(50, 6, generator=torch.Generator().manual_seed(2)) > 0.5).float()


@torch.no_grad()
def check(path, net, **options):
    """Check that figures are those of a network, worked out here in float64."""
    report = genprobe.evaluate(path, X, factory="factories:build_vae", dtype="float64", **options)
    net = copy.deepcopy(net).double()
    loc, scale = encoded(net, X.double())
    rate = (loc**2 + scale**2 - 1).sum(1) / 2 - scale.log().sum(1)
    z = report.store.gather("draws/z", 0, torch.arange(50)).double()
    logits = net.decoder(z)
    distortion = (torch.nn.functional.softplus(logits) - X * logits).sum(1)
    assert report["rate"].value == pytest.approx(float(rate.mean()), rel=1e-12)
    assert report["distortion"].value == pytest.approx(float(distortion.mean()), rel=1e-6)
    return report.provenance["training"]


def encoded(net, x):
    loc, raw = net.encoder(x).chunk(2, 1)
    return loc, (raw / 2).exp()


def prefixed(prefix, net):
    return {f"{prefix}{name}": values for name, values in net.state_dict().items()}


CHECKPOINTS = {
    "model and ema": {"model": RAW.state_dict(), "ema": EMA.state_dict()},
    "ema first": {"ema": EMA.state_dict(), "model": RAW.state_dict()},
    "state_dict_ema": {"state_dict": RAW.state_dict(), "state_dict_ema": EMA.state_dict()},
    "params_ema": {"params": RAW.state_dict(), "params_ema": EMA.state_dict()},
    "ema_model": {"ema_model": prefixed("module.", EMA), "model": RAW.state_dict()},
    "nested": {"net": {"raw": RAW.state_dict(), "ema": {"module": EMA.state_dict(), "decay": 0.9}}},
    "one flat": prefixed("online_model.", RAW) | prefixed("ema_model.", EMA) | {"step": X[0, 0]},
    "lightning": {"state_dict": prefixed("vae.", RAW) | prefixed("vae_ema.", EMA), "epoch": 3},
    "modules": {"model": RAW, "ema": EMA, "args": argparse.Namespace(lr=0.1)},
}


def optimiser_state():
    """Of an optimiser that has taken a step, so that it holds tensors."""
    net = Vae(0)
    optimiser = torch.optim.Adam(net.parameters())
    sum(values.sum() for values in net.parameters()).backward()
    optimiser.step()
    return optimiser.state_dict()


KEYS = {
    "model and ema": ("model", "ema"),
    "ema first": ("model", "ema"),
    "state_dict_ema": ("state_dict", "state_dict_ema"),
    "params_ema": ("params", "params_ema"),
    "ema_model": ("model", "ema_model"),
    "nested": ("net.raw", "net.ema"),
    "one flat": ("online_model", "ema_model"),
    "lightning": ("state_dict.vae", "state_dict.vae_ema"),
    "modules": ("model", "ema"),
}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_of_several_weights_the_trained_ones_are_taken_and_any_can_be_chosen(net, caplog, name):
    raw, ema = KEYS[name]
    torch.save({"optimizer": optimiser_state(), **CHECKPOINTS[name]}, "w.pt")
    assert check("w.pt", RAW)["weights"] == raw
    [said] = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert said.startswith(
        f"w.pt holds several weights that fit. Took {raw}; with --weights: {ema}"
    )
    caplog.clear()
    assert check("w.pt", EMA, weights=ema)["weights"].startswith(ema)
    assert check("w.pt", RAW, weights=raw)["weights"] == raw
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


def test_averages_are_taken_where_nothing_else_fits(net, caplog):
    caplog.set_level(logging.INFO, "genprobe")
    torch.save(
        {"ema": EMA.state_dict(), "discriminator": torch.nn.Linear(2, 2).state_dict()}, "w.pt"
    )
    assert check("w.pt", EMA)["weights"] == "ema"
    assert "w.pt: took ema." in caplog.text


def test_the_same_weights_under_two_names_need_no_word(net, caplog):
    torch.save({"model": RAW.state_dict(), "state_dict": RAW.state_dict()}, "w.pt")
    assert check("w.pt", RAW)["weights"] == "model"
    assert not caplog.records


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "vae.", "module.model."])
@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
def test_a_prefix_is_stripped_with_a_word(net, caplog, prefix, suffix):
    caplog.set_level(logging.INFO, "genprobe")
    save = {"pt": torch.save, "safetensors": save_file}[suffix]
    save(prefixed(prefix, RAW), f"w.{suffix}")
    assert check(f"w.{suffix}", RAW) == {}
    assert (
        f"w.{suffix}: took its weights, without the prefix {prefix!r} of the file." in caplog.text
    )


def test_what_was_left_out_is_said(net, caplog):
    caplog.set_level(logging.INFO, "genprobe")
    torch.save({"state_dict": prefixed("vae.", RAW) | {"critic.weight": torch.ones(2)}}, "w.pt")
    assert check("w.pt", RAW)["weights"] == "state_dict.vae"
    assert "took state_dict.vae, without the prefix 'vae.' of the file" in caplog.text
    assert "and left out what else is there (1)." in caplog.text


class Callback:
    def __init__(self):
        self.best = pathlib.Path("best.ckpt")


@pytest.mark.parametrize("legacy", [False, True])
def test_a_lightning_checkpoint_with_foreign_objects_runs_no_code(net, trap, legacy):
    content = {
        "epoch": 3,
        "pytorch-lightning_version": "2.4.0",
        "state_dict": RAW.state_dict(),
        "optimizer_states": [optimiser_state()],
        "lr_schedulers": [],
        "callbacks": {"ModelCheckpoint": Callback(), "trap": trap},
        "hyper_parameters": argparse.Namespace(lr=0.1, root=pathlib.Path("runs"), trap=trap),
    }
    torch.save(content, "last.ckpt", _use_new_zipfile_serialization=not legacy)
    assert check("last.ckpt", RAW)["weights"] == "state_dict"


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("way", ["torch.save", "pickle"])
def test_weights_that_were_pickled_in_any_way_load(net, caplog, way, protocol):
    caplog.set_level(logging.INFO, "genprobe")
    if way == "pickle":
        pathlib.Path("w.pt").write_bytes(pickle.dumps(RAW.state_dict(), protocol))
    else:
        torch.save(RAW.state_dict(), "w.pt", pickle_protocol=protocol)
    assert check("w.pt", RAW) == {}
    assert not caplog.records
    with pytest.raises(ModelError, match=r"w\.pt is a bare state dict.* holds encoder .2 tensors"):
        genprobe.load("w.pt")


@pytest.mark.parametrize("path", ["model.safetensors.index.json", "."])
def test_sharded_safetensors_are_put_together(net, path):
    pathlib.Path("w.pt").unlink()
    shards = {"encoder": "model-1-of-2.safetensors", "decoder": "model-2-of-2.safetensors"}
    for part, shard in shards.items():
        save_file(prefixed(f"{part}.", getattr(RAW, part)), shard)
    index = {name: shards[name.split(".")[0]] for name in RAW.state_dict()}
    pathlib.Path("model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    assert check(path, RAW) == {}


def test_weights_of_half_precision_are_those_numbers(net):
    half = Vae(0).half()
    save_file(half.state_dict(), "w.safetensors")
    check("w.safetensors", half.float())


def test_weights_that_are_not_there_are_told_with_those_that_are(net):
    torch.save(CHECKPOINTS["nested"], "w.pt")
    with pytest.raises(ModelError, match=r"w\.pt holds no weights under 'enn'") as told:
        genprobe.load("w.pt", factory="factories:build_vae", weights="enn")
    assert told.value.remedy == "There are: net.raw, net.ema.module."


def test_weights_that_do_not_fit_are_told_with_the_others(net):
    torch.save({"model": RAW.state_dict(), "critic": torch.nn.Linear(6, 4).state_dict()}, "w.pt")
    with pytest.raises(ModelError, match=r"it lacks encoder\.weight.*has no weight, bias") as told:
        genprobe.load("w.pt", factory="factories:build_vae", weights="critic")
    assert told.value.remedy.endswith("Or choose with --weights: model, critic.")


def test_a_factory_that_reads_the_file_itself_chooses_itself(net):
    with pytest.raises(ModelError, match=r"reads w\.pt itself, so that 'ema' chooses nothing"):
        genprobe.load("w.pt", factory="factories:reads", weights="ema")


@pytest.mark.parametrize("content", [torch.ones(3), {"epoch": 3}, {"model": {"w": 1}}, [1]])
def test_a_checkpoint_without_weights_is_told(net, content):
    torch.save(content, "w.pt")
    with pytest.raises(ModelError, match=r"w\.pt holds no state dict: \w"):
        genprobe.load("w.pt", factory="factories:untrained")


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("factories", "MODULE:FACTORY.*not 'factories'"),
        (":untrained", "MODULE:FACTORY"),
        ("factories.untrained", "Did you mean factories:untrained?"),
        ("factories:absent", "There is no 'absent' in factories"),
        ("factories:untraind", "Did you mean factories:untrained?"),
        ("absent_module:build", "cannot be imported: ModuleNotFoundError.*absent_module"),
        ("broken:build", "cannot be imported: .*nowhere_to_be_found"),
        ("factories:fails", r"fails for w\.pt: ZeroDivisionError"),
        ("factories:network", r"returns a Linear, not a genprobe\.Model"),
        ("factories:bare", r"for w\.pt has no module"),
        (
            "factories:wider",
            r"w\.pt do not fit the module: other shapes: weight \(2, 3\), in the module \(2, 4\)",
        ),
        (
            "factories:unlike",
            r"it lacks other\.weight, other\.bias of the module; .* no weight, bias of",
        ),
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
