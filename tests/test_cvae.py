"""The example of a conditional VAE, against quadrature in float64."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import genprobe

ROOT = Path(__file__).parents[1]
CHEAP = {"max_queries": 50}


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The example's module, its weights and test data, and the network in float64."""
    folder = tmp_path_factory.mktemp("cvae")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        patch.setattr(sys, "argv", ["cvae", str(folder / "cvae.pt"), str(folder / "test.npz")])
        with torch.random.fork_rng():
            names = runpy.run_module("examples.cvae", run_name="__main__")
        from examples import cvae

        network = cvae.Cvae().double()
        network.load_state_dict(torch.load(folder / "cvae.pt", weights_only=True))
        yield cvae, folder, network
    assert names["LATENT"] == 2


@pytest.fixture(scope="module")
def truth(example):
    """R in closed form and D by Gauss-Hermite quadrature over both latents, nats."""
    _, folder, network = example
    data = np.load(folder / "test.npz")
    x, y = torch.from_numpy(data["x"]).double(), torch.from_numpy(data["y"])
    label = torch.eye(4, dtype=torch.float64)[y]
    with torch.no_grad():
        loc, log_variance = network.encoder(torch.cat([x, label], 1)).chunk(2, 1)
        rate = 0.5 * (log_variance.exp() + loc**2 - 1 - log_variance).sum(1).mean()
        nodes, weight = map(torch.from_numpy, np.polynomial.hermite_e.hermegauss(20))
        distortion = torch.zeros(len(x), dtype=torch.float64)
        for a, wa in zip(nodes, weight / weight.sum(), strict=True):
            for b, wb in zip(nodes, weight / weight.sum(), strict=True):
                z = loc + (log_variance / 2).exp() * torch.stack([a, b])
                logits = network.decoder(torch.cat([z, label], 1))
                cross_entropy = torch.log1p((-logits.abs()).exp()) + logits.clamp(min=0)
                distortion += wa * wb * (cross_entropy - logits * x).sum(1)
    return float(rate), float(distortion.mean())


def require(report, truth):
    rate, distortion = truth
    assert report.n == 2000
    assert report["rate"].value == pytest.approx(rate, rel=1e-5)
    assert report["distortion"].se < 0.02
    assert abs(report["distortion"].value - distortion) < 4 * report["distortion"].se
    assert report.provenance["context"] == ["label"]


def test_from_the_command_line_with_labels_beside_the_examples(example, truth, run, tmp_path):
    _, folder, _ = example
    require(run("cvae.pt", "--data", folder / "test.npz", folder=folder), truth)


def test_labels_may_be_in_a_file_of_their_own(example, truth, run):
    _, folder, _ = example
    data = np.load(folder / "test.npz")
    np.save(folder / "x.npy", data["x"])
    np.save(folder / "y.npy", data["y"].astype(np.uint8))
    given = ("--data", "x.npy", "--covariates", "y=y.npy")
    require(run("cvae.pt", *given, folder=folder), truth)


@pytest.fixture
def run(monkeypatch):
    """The report of a command line in a folder."""
    from click.testing import CliRunner

    from genprobe.cli import main

    def start(weights, *arguments, folder):
        monkeypatch.chdir(folder)
        words = ["evaluate", weights, "--factory", "examples.cvae:build", *map(str, arguments)]
        words += ["--draws", "8", "--max-queries", "50", "--json", "r.json", "--quiet"]
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.stderr
        return genprobe.Report.from_json((folder / "r.json").read_text(encoding="utf-8"))

    return start


@pytest.mark.parametrize("kind", ["pairs", "loader", "mapping", "dicts", "separate"])
def test_from_python_with_labels_as_they_come(kind, example, truth):
    cvae, folder, _ = example
    network = cvae.Cvae()
    network.load_state_dict(torch.load(folder / "cvae.pt", weights_only=True))
    found = np.load(folder / "test.npz")
    x, y = torch.from_numpy(found["x"]).float(), torch.from_numpy(found["y"])
    data = {
        "pairs": TensorDataset(x, y),
        "loader": DataLoader(TensorDataset(x, y), batch_size=300, shuffle=True),
        "mapping": {"x": x, "y": y},
        "dicts": [{"image": a, "y": int(b)} for a, b in zip(x, y, strict=True)],
        "separate": x,
    }[kind]
    given = {"covariates": {"y": y}} if kind == "separate" else {}
    report = genprobe.evaluate(cvae.as_model(network), data, draws=8, **CHEAP, **given)
    require(report, truth)


def test_another_label_is_another_run(example, tmp_path):
    cvae, folder, _ = example
    found = np.load(folder / "test.npz")
    model = cvae.build()
    for shift, name in ((0, "a"), (1, "b")):
        labels = {"y": (found["y"] + shift) % 4}
        genprobe.evaluate(
            model, found["x"], covariates=labels, store=tmp_path / f"{name}.h5", **CHEAP
        )
    with pytest.raises(genprobe.GenprobeError):
        genprobe.evaluate(model, found["x"], covariates=labels, store=tmp_path / "a.h5", **CHEAP)


def test_labels_that_are_missing_are_named(example):
    cvae, folder, _ = example
    x = np.load(folder / "test.npz")["x"]
    with pytest.raises(genprobe.GenprobeError, match=r"covariate 'y'; array has none") as told:
        genprobe.evaluate(cvae.build(), x)
    assert "--covariates" in told.value.remedy
