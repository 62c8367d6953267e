import math
import sys

import numpy as np
import pytest
import torch
import zuko
from click.testing import CliRunner
from genprobe_zuko import flow_prior

import genprobe
from genprobe.cli import main
from genprobe.errors import ModelError
from genprobe.testing import PriorTests


def flow(k=2, context=0, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return zuko.flows.NSF(k, context, transforms=2, hidden_features=(16,), bins=4)


class TestSplines(PriorTests):
    part = flow_prior(flow(), "my-flow")


class TestAffine(PriorTests):
    part = flow_prior(zuko.flows.MAF(2, transforms=2, hidden_features=(8,)))


def test_a_flow_that_needs_a_context_is_refused():
    with pytest.raises(ModelError, match="NSF has no density without a context"):
        flow_prior(flow(context=3))


def test_its_density_is_that_of_the_flow():
    z = torch.randn(50, 2, generator=torch.Generator().manual_seed(0)).double()
    found = flow_prior(flow().double()).log_prob(z)
    torch.testing.assert_close(found, flow().double()().log_prob(z).detach())


MODEL = """
import genprobe, torch, zuko
from genprobe_zuko import flow_posterior, flow_prior


class VAE(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = torch.nn.Linear(4, 3)
        self.q = zuko.flows.NSF(2, 3, transforms=1, hidden_features=(8,), bins=4)
        self.p = zuko.flows.NSF(2, transforms=1, hidden_features=(8,), bins=4)
        self.decoder = torch.nn.Linear(2, 4)


def vae():
    module = VAE()
    return genprobe.Model(
        name="flow-vae",
        module=module,
        encode=lambda x: {"context": module.encoder(x)},
        posterior=flow_posterior(module.q),
        prior=flow_prior(module.p),
        decode=lambda z: {"logits": module.decoder(z)},
        likelihood="bernoulli",
    )
"""


def test_the_command_line_evaluates_a_model_of_flows(tmp_path, monkeypatch):
    (tmp_path / "flow_vae_example.py").write_text(MODEL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    torch.manual_seed(0)
    import flow_vae_example

    module = flow_vae_example.VAE()
    torch.save(module.state_dict(), "vae.pt")
    x = torch.randint(2, (300, 4)).float()
    np.save("x.npy", x.numpy())
    options = [
        "--factory",
        "flow_vae_example:vae",
        "--data",
        "x.npy",
        "--json",
        "r.json",
        "--quiet",
    ]
    found = CliRunner().invoke(main, ["evaluate", "vae.pt", "--quiet", *options])
    assert found.exit_code == 0, found.output
    report = genprobe.Report.from_json((tmp_path / "r.json").read_text())
    q, p = module.q.double(), module.p.double()
    with torch.no_grad():
        posterior = q(module.encoder(x).double())
        z = posterior.sample((200,))
        terms = posterior.log_prob(z) - p().log_prob(z)
    rate = report["rate"]
    assert rate.value == pytest.approx(float(terms.mean()), abs=4 * rate.se + 0.02)
    assert 0 < report["mutual_information"].value < math.log(300)
    sys.modules.pop("flow_vae_example")
