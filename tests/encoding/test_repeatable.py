"""Every kind of chance and of dependence on the batch is named, and rounding is not."""

import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import genprobe
from genprobe import Model
from genprobe.encoding.repeatable import difference, own_generators
from genprobe.errors import ModelError
from genprobe.priors.standard_normal import build
from genprobe.types import Prior

N, D = 60, 6
X = (torch.rand(N, D, generator=torch.Generator().manual_seed(0)) > 0.5).float()
ENC = torch.randn(D, 4, generator=torch.Generator().manual_seed(1)) / 2
DEC = torch.randn(2, D, generator=torch.Generator().manual_seed(2))
OWN = torch.Generator()


def encode(x):
    return {"loc": (x @ ENC)[:, :2], "scale": torch.ones(len(x), 2)}


def decode(z):
    return {"logits": z @ DEC}


def evaluated(encode=encode, decode=decode, batch_size=None, **parts):
    named = {
        "name": "m",
        "posterior": "diagonal-normal",
        "prior": "standard-normal",
        "likelihood": "bernoulli",
    }
    model = Model(encode=encode, decode=decode, **(named | parts))
    return genprobe.evaluate(model, X, estimators={}, device="cpu", batch_size=batch_size)


def seeded_noise(x):
    torch.manual_seed(0)
    return torch.randn(x.shape)


def own_noise(x):
    OWN.manual_seed(0)
    return torch.randn(x.shape, generator=OWN)


CHANCE = {
    "functional dropout": lambda x: functional.dropout(x, 0.5),
    "noise": lambda x: x + 0.1 * torch.randn_like(x),
    "little noise": lambda x: x + 1e-3 * torch.randn_like(x),
    "numpy": lambda x: x + torch.from_numpy(np.random.rand(*x.shape)).to(x),
    "python": lambda x: x + random.random(),
    "generator of its own": lambda x: x + torch.rand(x.shape, generator=OWN),
}
BATCH = {
    "statistics": lambda x: x - x.mean(0),
    "batch norm": lambda x: functional.batch_norm(torch.cat([x, x + 1]), None, None, training=True)[
        : len(x)
    ],
    "first row": lambda x: x + x[:1],
    "a little": lambda x: x + 0.01 * x.mean(0),
    "neighbour": lambda x: x + x.roll(1, 0),
    "largest": lambda x: x / (1 + x.sum(1).max()),
    "length": lambda x: x / len(x),
    "noise by position": lambda x: x + seeded_noise(x),
    "noise of its own by position": lambda x: x + own_noise(x),
}


@pytest.mark.parametrize(
    ("change", "on"),
    [
        *(pytest.param(change, "chance", id=kind) for kind, change in CHANCE.items()),
        *(pytest.param(change, "the batch", id=kind) for kind, change in BATCH.items()),
    ],
)
@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_chance_and_dependence_on_the_batch_are_refused_by_name(change, on, part):
    parts = {"encoder": {"encode": lambda x: encode(change(x))}}
    parts["decoder"] = {"decode": lambda z: decode(change(z))}
    with pytest.raises(ModelError, match=f"The {part} of m depends on {on}: its lo"):
        evaluated(**parts[part])


@pytest.mark.parametrize("batch_size", [1, 2, N])
def test_it_is_found_at_any_batch_size(batch_size):
    with pytest.raises(ModelError, match="depends on the batch"):
        evaluated(lambda x: encode(x - x.mean(0)), batch_size=batch_size)


def test_a_prior_of_chance_is_refused():
    made = build(torch.Size([2]), {})
    noisy = Prior(
        name="noisy",
        log_prob=lambda z: made.log_prob(z) + torch.randn(z.shape[:-1]),
        sample=made.sample,
        kl=lambda family, params: None,
    )
    with pytest.raises(ModelError, match="The prior noisy depends on chance"):
        evaluated(prior=noisy)


def test_a_program_for_one_example_is_called_with_one():
    def one(x):
        assert len(x) == 1
        return encode(x)

    evaluated(one, batch_size=1)


def test_modules_in_training_mode_are_none_of_it_and_come_back():
    net = nn.Sequential(nn.BatchNorm1d(D), nn.Dropout(0.5)).train()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    evaluated(lambda x: encode(net(x)))
    assert net[0].training
    assert net[1].training
    for name, values in net.state_dict().items():
        assert torch.equal(values, before[name])


def test_the_generators_stay_as_they_were():
    def numbers():
        return random.random(), np.random.rand(), torch.rand(1).item()

    def seed():
        random.seed(1)
        np.random.seed(2)
        torch.manual_seed(3)

    seed()
    wanted = numbers()
    seed()
    with own_generators(0, "a test", torch.device("cpu")):
        assert numbers() != wanted
        first = numbers()
    with own_generators(0, "another", torch.device("cpu")):
        assert numbers() != first
    assert numbers() == wanted
    seed()
    evaluated()
    assert numbers()[1:] == wanted[1:]  # the type checker of the tests draws from Python's


def test_rounding_of_half_precision_and_of_other_batches_is_no_dependence():
    weight = torch.randn(D, 512) / D**0.5, torch.randn(512, 512) / 20, torch.randn(512, 4) / 20

    def deep(x):
        with torch.autocast("cpu", torch.bfloat16):
            for w in weight[:2]:
                x = (x @ w).relu()
            loc, log_scale = (x @ weight[2]).chunk(2, 1)
        return {"loc": loc, "scale": (log_scale / 4).exp()}

    evaluated(deep)


def test_a_difference_is_measured_against_the_size_of_the_numbers():
    a = torch.tensor([[3.0, 4.0], [3.0, 4.0]])
    found = difference(a, a + torch.tensor([[0.0, 0.0], [0.5, 0.0]]), 0.01)
    assert found == (0.25, 0.5, pytest.approx(12.5**0.5), 1)
    assert difference(a, a + 0.01, 0.01).share == 0
    assert difference(a, a * torch.nan, 0.01).share == 0


def test_what_was_understood_is_in_the_log_and_the_provenance(caplog):
    caplog.set_level("INFO", logger="genprobe")
    report = evaluated(
        lambda x: tuple((x @ ENC - 1).chunk(2, 1)),
        lambda z: torch.distributions.Bernoulli(logits=z @ DEC),
    )
    said = report.provenance["training"]["read_as"]
    assert said == {
        "encode": "a pair as mean and log-variance",
        "decode": "the distribution Bernoulli as its logits",
    }
    for words in said.values():
        assert sum(words in line for line in caplog.messages) == 1
    plain = evaluated(
        lambda x: dict(zip(("loc", "logvar"), (x @ ENC - 1).chunk(2, 1), strict=True)), decode
    )
    loc, logvar = (X @ ENC - 1).double().chunk(2, 1)
    truth = ((logvar.exp() + loc**2 - 1 - logvar) / 2).sum(1).mean()
    for each in (report, plain):
        rates = each.store.column("probes/rate")
        assert float(rates.mean()) == pytest.approx(float(truth), rel=1e-5)


def test_an_example_at_fault_is_told_by_its_own_message_and_the_first_of_them():
    def negative(x):
        scale = torch.where(x[:, :1] > 0, -1.0, 1.0)
        return {"loc": x[:, :2], "scale": scale}

    first = int(X[:, 0].nonzero()[0])
    with pytest.raises(ModelError, match=f"scale that must be > 0 .* at example {first}:"):
        evaluated(negative)
