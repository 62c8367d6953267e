"""Writes an archive of what this genprobe writes: ``python tests/archives/make.py``.

The folder is named after ``genprobe.__version__``; one that is there is never written again. With
it goes ``expected.json``, what this genprobe reads in each file. When to run it is in the README.
Only public names are used, so that it runs in later versions too.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

import genprobe

HERE = Path(__file__).parent
FOLDER = HERE / genprobe.__version__
DRAWS = 4
QUICK = {"max_queries": 256}
"""Options of the reports whose figures are recorded: few queries, so that the tests are quick."""


def main():
    """Write the folder of this version, and what is read in it."""
    if FOLDER.exists():
        raise SystemExit(f"{FOLDER} is there, and an archive is never edited.")
    FOLDER.mkdir()
    torch.manual_seed(0)
    try:
        with contextlib.chdir(FOLDER):  # so that no file names a folder of this machine
            write_data(np.random.default_rng(0))
            write_models()
            runs = write_stores()
            write_labelled()
            write_shards(runs)
            write_unfinished()
            write_reports()
            write_expected(runs)
    except BaseException:
        shutil.rmtree(FOLDER)
        raise


def write_data(chance):
    """Binary images of bars with noise, waves in tenths, and posteriors of nothing in particular.

    Args:
        chance: generator of what is random in them.
    """
    rows, columns = chance.random((2, 100, 8)) < 0.25
    bars = rows[:, :, None] | columns[:, None, :]
    np.save("bars.npy", (bars ^ (chance.random(bars.shape) < 0.05)).reshape(100, 64))
    phase, height = chance.normal(size=(2, 80, 1))
    waves = height * np.sin(phase + np.arange(6)) + 0.2 * chance.normal(size=(80, 6))
    np.save("waves.npy", waves.round(1).astype(np.float32))
    loc = chance.normal(size=(70, 2)).astype(np.float32)
    np.savez(
        "wide.npz",
        loc=loc,
        scale=np.exp(chance.normal(-1, 0.3, size=(70, 2))).astype(np.float32),
        distortion=20 + chance.normal(size=(2, 70)) + np.square(loc).sum(1),
        likelihood="bernoulli",
        dataset="wide",
        # A segment is of 16 examples where an example has so many values: so there are five.
        event_shape=[1 << 18],
    )


def write_models():
    """Bundles of the reference network, of it with another prior, and of a network of one's own."""
    settings = {"hidden": (12,), "epochs": 200, "batch_size": 20, "learning_rate": 0.01}
    bars, waves = (genprobe.open_dataset(name) for name in ("bars.npy", "waves.npy"))
    reference = genprobe.train(bars, name="reference", data="bars.npy", latent=3, **settings)
    genprobe.save(reference, "reference.pt")
    genprobe.export("reference.pt", "exported")
    mixture = genprobe.NamedPrior(
        name="normal-mixture",
        params={
            "probs": torch.tensor([0.3, 0.7]),
            "loc": torch.randn(2, 3),
            "scale": torch.tensor([[0.5, 1.0, 1.5], [1.0, 1.2, 0.8]]),
        },
    )
    genprobe.save(replace(reference, name="mixture", prior=mixture), "mixture.pt")
    density = {"latent": 2, "prior": "diagonal-normal", "likelihood": "normal"}
    normal = genprobe.train(waves, name="normal", data="waves.npy", **density, **settings)
    genprobe.save(normal, "normal.pt")
    shutil.copy(HERE / "own_network.py", ".")
    from own_network import build  # from the folder of this script

    config = {"size": 64, "latent": 3}
    genprobe.save(build(**config), "full-normal.pt", factory="own_network:build", config=config)


def write_stores():
    """A store of every kind; returns how those are written whose model is in the archive too."""
    runs = {
        "reference.h5": {"model": "reference.pt", "data": "bars.npy"},
        "mixture.h5": {"model": "mixture.pt", "data": "bars.npy"},
        "full-normal.h5": {"model": "full-normal.pt", "data": "bars.npy", "trust": True},
        "normal.h5": {"model": "normal.pt", "data": "waves.npy", "dtype": "float64"},
        "wide.h5": {"model": "wide.npz"},
    }
    others = {
        "optimal-sigma.h5": {"model": optimal_sigma(), "data": "waves.npy"},
        "categorical.h5": {"model": categorical(), "data": counts(), "fresh": True},
        "conditional.h5": {"model": conditional(), "data": labelled()},
        "levels.h5": {"model": levels(), "data": "waves.npy", "keep_levels": True},
        "diffusion.h5": {"model": diffusion(), "data": "waves.npy"},
    }
    for store, run in (runs | others).items():
        run |= {"draws": DRAWS, "device": "cpu"}
        genprobe.evaluate(store=store, **run)
    codes = {"loc": torch.randn(60, 2), "scale": torch.rand(60, 2) + 0.1}
    genprobe.evaluate_posteriors(codes, name="rate-side", store="rate-side.h5", device="cpu")
    tokens = np.random.default_rng(4).integers(0, 6, size=(80, 2, 3)).clip(1)
    genprobe.evaluate_posteriors(
        {"index": tokens, "classes": np.full(80, 8)}, name="tokens", store="tokens.h5", device="cpu"
    )
    return runs


def optimal_sigma():
    """A decoder without a scale: it is fitted to the whole data set when a report is made."""
    model = genprobe.load("normal.pt")
    return replace(
        model,
        name="optimal-sigma",
        decode=lambda z: {"loc": model.decode(z)["loc"]},
        likelihood="normal-optimal-sigma",
    )


def counts():
    """Counts, with a bound on their entropy; a blind distortion needs a statistic of its own."""
    chance = np.random.default_rng(1)
    rate = np.exp(chance.normal(1, 0.7, size=(100, 1)) * np.ones(5))
    data = genprobe.open_dataset(chance.poisson(rate).astype(np.float32))
    return replace(data, name="counts", entropy=13.0)


def categorical():
    """A code of two places, each of three classes, and rates of counts."""
    module = nn.ModuleDict({"encoder": nn.Linear(5, 6), "decoder": nn.Linear(6, 5)})

    def decode(z):
        one_hot = nn.functional.one_hot(z.long(), 3).to(z.dtype)
        return {"rate": (1 + module["decoder"](one_hot.flatten(1))).exp()}

    return genprobe.Model(
        name="categorical",
        encode=lambda x: {"logits": module["encoder"](x).view(-1, 2, 3)},
        decode=decode,
        posterior="categorical",
        prior="uniform-categorical",
        likelihood="poisson",
        module=module,
    )


def labelled():
    """Grey values that come with a label; a Bernoulli likelihood has something to say of them."""
    chance = np.random.default_rng(2)
    label = chance.integers(0, 2, size=60)
    x = (chance.random((60, 4)) * (0.5 + 0.5 * label[:, None])).astype(np.float32)
    return replace(
        genprobe.open_dataset(x),
        name="labelled",
        covariates=lambda start, stop: {"label": label[start:stop]},
    )


def conditional():
    """Encoder and decoder that are given a label."""
    module = nn.ModuleDict({"encoder": nn.Linear(5, 4), "decoder": nn.Linear(3, 4)})

    def joined(values, label):
        return torch.cat([values, label.to(values.dtype)[:, None]], 1)

    def encode(x, label):
        loc, log_scale = module["encoder"](joined(x, label)).chunk(2, 1)
        return {"loc": loc, "scale": (log_scale - 1).exp()}

    return genprobe.Model(
        name="conditional",
        encode=encode,
        decode=lambda z, label: {"logits": module["decoder"](joined(z, label))},
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="bernoulli",
        module=module,
        condition=lambda x, covariates: {"label": torch.as_tensor(covariates["label"])},
    )


def levels():
    """A chain of two latents, whose draws are all kept."""
    down, up, out = nn.Linear(6, 4), nn.Linear(8, 2), nn.Linear(3, 6)

    def walk(x):
        loc, log_scale = down(x).chunk(2, 1)
        code = {"loc": torch.zeros(2), "scale": torch.ones(2)}
        z = yield {"loc": loc, "scale": (log_scale - 1).exp()}, code
        loc, log_scale = up(torch.cat([x, z], 1)).chunk(2, 1)
        yield (
            {"loc": loc, "scale": (log_scale - 1).exp()},
            {"loc": z[:, :1], "scale": torch.ones(1)},
        )

    return genprobe.Model(
        name="levels",
        chain=walk,
        decode=lambda draws: {"loc": out(torch.cat(draws, 1)), "scale": torch.tensor(0.5)},
        posterior="diagonal-normal",
        likelihood="normal",
        module=nn.ModuleList([down, up, out]),
    )


def diffusion():
    """Ten steps of noise, and a guess at it that is right for data of unit variance."""
    kept = torch.linspace(0.98, 0.02, 10, dtype=torch.float64)
    alpha, sigma = kept.sqrt(), (1 - kept).sqrt()
    chain = genprobe.Diffusion(
        alpha=alpha,
        sigma=sigma,
        denoise=lambda x, t: sigma[t].to(x)[:, None] * x,
        predicts="noise",
    )
    return genprobe.Model(name="diffusion", diffusion=chain, likelihood="normal")


def write_labelled():
    """Posteriors whose store has labels: one of text with gaps, one that should not be known."""
    chance = np.random.default_rng(3)
    kind = chance.integers(0, 3, size=160)
    loc = chance.normal(size=(160, 2))
    loc[:, 1] += 3 * kind
    codes = {"loc": loc.astype(np.float32), "scale": np.full((160, 2), 0.5, np.float32)}
    named = [None if i % 10 == 0 else "abc"[k] for i, k in enumerate(kind)]
    labels = {"kind / ü": named, "half": np.arange(160) // 80}
    genprobe.evaluate_posteriors(
        codes, name="labelled", store="labelled.h5", device="cpu", labels=labels, leaks=["half"]
    )


def write_shards(runs):
    """The store ``wide.h5`` again, as two ranks write it."""
    run = runs["sharded.h5"] = runs["wide.h5"]
    two = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "genprobe"]
    flags = ["--draws", str(run["draws"]), "--device", run["device"], "--quiet"]
    call_module([*two, "evaluate", run["model"], "--store", "sharded.h5", *flags])


def write_unfinished():
    """What an interrupt leaves of ``wide.h5`` after two of its five segments.

    Its folder must be ``unfinished.h5.partial`` to be resumed, a name that git and whatever packs
    the sources pass over.
    """
    whole = genprobe.open_store("wide.h5").header

    def read(start, stop):
        if start >= 2 * whole.segment and stop > start + 1:  # no single row that is only checked
            raise KeyboardInterrupt
        return torch.empty(stop - start, 0)

    data = genprobe.Dataset(
        name=whole.dataset,
        n=whole.n,
        event_shape=torch.Size(whole.event_shape),
        read=read,
        fingerprint=whole.dataset_fingerprint,
    )
    with contextlib.suppress(KeyboardInterrupt):
        genprobe.evaluate("wide.npz", data, store="unfinished.h5", draws=DRAWS, device="cpu")
    Path("unfinished.h5.partial").rename("unfinished")


def write_reports():
    """A report of a density in bins, and three models of the same data side by side."""
    report = genprobe.evaluate("normal.pt", "waves.npy", bin_width=0.1, device="cpu")
    Path("report.json").write_text(report.to_json(), encoding="utf-8")
    stores = ["reference.h5", "mixture.h5", "full-normal.h5"]
    call_module(["genprobe", "compare", *stores, "--json", "comparison.json"])


def call_module(command):
    """Run a module of this Python with this genprobe."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(
        [sys.executable, "-m", *command], env=environment, check=True, stdout=subprocess.DEVNULL
    )


def write_expected(runs):
    """What this genprobe reads in the files that it wrote."""
    from test_archives import (  # beside this script
        facts_of,
        figures_of,
        labels_of,
        pictures_of,
        said_by,
    )

    stores = sorted(Path().glob("*.h5"))
    asked = [
        *((path.name, QUICK) for path in stores),
        ("normal.h5", QUICK | {"bin_width": 0.1}),
        ("optimal-sigma.h5", QUICK | {"bin_width": 0.1}),
        ("reference.h5", QUICK | {"entropy": 20.0}),
        # Rates under a prior that is named: that of the store, from its tensors, and another.
        ("mixture.h5", QUICK | {"prior": "normal-mixture"}),
        ("mixture.h5", QUICK | {"prior": "standard-normal"}),
    ]
    models = ("reference.pt", "mixture.pt", "normal.pt", "full-normal.pt", "exported")
    pictured = [path for path in stores if Path(f"{path}.pictures.npz").exists()]
    content = {
        "genprobe": genprobe.__version__,
        "torch": torch.__version__,
        "facts": {path.name: facts_of(path) for path in stores},
        "reports": [
            {"store": store, "options": options, "figures": figures_of(Path(store), **options)}
            for store, options in asked
        ],
        "runs": runs,
        "models": {name: said_by(Path(name)) for name in models},
        "pictures": {path.name: pictures_of(path) for path in pictured},
        "labels": {"labelled.h5": labels_of(Path("labelled.h5"))},
    }
    text = json.dumps(content, indent=1, allow_nan=False) + "\n"
    Path("expected.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
