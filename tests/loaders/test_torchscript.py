import json
import math

import pytest
import torch
from torch import Tensor, nn

import genprobe
from genprobe.errors import ModelError, UntrustedError
from genprobe.loaders.torchscript import load_torchscript, recognises, torchscript
from genprobe.testing import LoaderTests

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit")

SAYS = {"family": "diagonal-normal", "likelihood": "bernoulli"}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(6, 4)
        self.decoder = nn.Sequential(nn.Linear(2, 6), nn.Dropout(0.5))
        self.register_buffer("shift", torch.tensor([0.5, -0.5]))

    @torch.jit.export
    def encode(self, x: Tensor) -> dict[str, Tensor]:
        loc, log_scale = self.encoder(x).chunk(2, 1)
        return {"loc": loc + self.shift, "scale": log_scale.exp()}

    @torch.jit.export
    def decode(self, z: Tensor) -> dict[str, Tensor]:
        return {"logits": self.decoder(z)}


class WithPrior(Net):
    @torch.jit.export
    def prior_params(self) -> dict[str, Tensor]:
        return {"loc": self.shift, "scale": torch.full([2], 2.0)}


class EncoderOnly(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(6, 2)

    @torch.jit.export
    def encode(self, x: Tensor) -> dict[str, Tensor]:
        loc = self.encoder(x)
        return {"loc": loc, "scale": torch.ones_like(loc)}


@pytest.fixture
def save(tmp_path):
    def save(module, says=SAYS):
        extra = {} if says is None else {"genprobe.json": json.dumps(says)}
        path = tmp_path / "scripted.pt"
        torch.jit.save(torch.jit.script(module), path, _extra_files=extra)
        return path

    return save


@pytest.fixture
def x():
    return (torch.rand(120, 6) > 0.5).float()


def as_model(net):
    return genprobe.Model(
        name="scripted",
        encode=net.encode,
        decode=net.decode,
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="bernoulli",
        module=net,
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_gives_the_numbers_of_the_module(save, x, dtype):
    net = Net()
    net.encoder.bias.data[2:] = -2  # narrow posteriors: the rate answers, and there is a slope
    settings = {"draws": 2, "max_queries": 40, "dtype": dtype, "device": "cpu"}
    here = genprobe.evaluate(as_model(net), x, **settings).estimates
    there = genprobe.evaluate(save(net), x, trust=True, **settings).estimates
    assert there.keys() == here.keys() >= {"slope", "distortion", "generative_mutual_information"}
    for name, estimate in here.items():
        assert there[name].value == pytest.approx(estimate.value, rel=1e-4, abs=1e-5), name


def test_without_trust_it_is_refused_with_the_reason(save):
    path = save(Net())
    assert recognises(path)
    with pytest.raises(UntrustedError, match="would run code in it") as error:
        genprobe.load(path)
    assert "--trust" in error.value.remedy
    assert "genprobe.export" in error.value.remedy


def test_the_prior_may_have_tensors(save):
    model = load_torchscript(save(WithPrior(), {**SAYS, "prior": "diagonal-normal"}), True)
    assert model.prior.name == "diagonal-normal"
    assert torch.equal(model.prior.params["loc"], torch.tensor([0.5, -0.5]))
    assert torch.equal(model.prior.params["scale"], torch.tensor([2.0, 2.0]))


def test_an_encoder_alone_gives_the_rate_side(save, x):
    path = save(EncoderOnly(), {"family": "diagonal-normal", "name": "mine", "training": {"a": 1}})
    found = genprobe.evaluate(path, x, trust=True, max_queries=40)
    assert (found.model, found.provenance["training"]) == ("mine", {"a": 1})
    loc = torch.jit.load(path).encode(x)["loc"].detach().double()
    truth = loc.square().sum(1).mean() / 2  # KL(N(m, 1) ‖ N(0, 1)) = m²/2
    assert found["rate"].value == pytest.approx(float(truth), rel=1e-6)
    assert math.isfinite(found["mutual_information"].value)


@pytest.mark.parametrize(
    ("module", "says", "words"),
    [
        (Net(), None, "does not say what its parts are"),
        (Net(), {}, "names no family"),
        (Net(), [1], "names no family"),
        (nn.Linear(2, 2), SAYS, "has no method encode"),
    ],
)
def test_what_is_missing_is_told(save, module, says, words):
    with pytest.raises(ModelError, match=words) as error:
        load_torchscript(save(module, says), True)
    assert "genprobe.json" in error.value.remedy


def test_a_damaged_archive_is_told(save):
    path = save(Net())
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ModelError, match=r"scripted\.pt does not read"):
        torchscript.load(path, True)


class TestTorchscript(LoaderTests):
    part = torchscript
    data = torch.eye(6).repeat(4, 1)
    needs_trust = True

    def write(self, folder):
        says = {"genprobe.json": json.dumps(SAYS)}
        torch.jit.save(torch.jit.script(Net()), folder / "scripted.pt", _extra_files=says)
        return folder / "scripted.pt"
