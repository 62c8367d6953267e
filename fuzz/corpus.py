"""The undamaged files: each format's in a folder of its own, made anew by each session.

Models and data are as small as they can be, and segments of stores hold sixteen examples: forty
examples are three segments.
"""

import argparse
import contextlib
import gzip
import json
import os
import shutil
import socket
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import torch
from safetensors.torch import save_file

import genprobe
from fuzz.actions import QUERIES, command, compare, evaluate, show
from genprobe.loaders.open import load
from genprobe.loaders.prior_file import write_prior
from genprobe.store import format

N, SHAPE = 40, (1, 4, 4)
SEGMENT = 16
MODEL = "model.pt"
BUILD = """from genprobe.architectures import MlpVae

def build():
    network = MlpVae(data_shape=(1, 4, 4), latent=2, hidden=(4,), prior="diagonal-normal")
    return network.as_model("small")
"""
PLANTED = """from pathlib import Path

(Path(__file__).resolve().parent.parent / "outside" / "canary").touch()
"""
"""A module that only code in a damaged file would import."""
OPTIONS = {"max_queries": 8, "device": "cpu"}

Make = Callable[[], None]


def use_small_segments() -> None:
    """Let stores of this process have segments of sixteen examples."""
    format.SEGMENT_ROWS = SEGMENT


def make_base(folder: Path) -> None:
    """The files that are in every case's folder: a model, its data, the modules."""
    folder.mkdir(parents=True)
    with contextlib.chdir(folder):
        random = np.random.default_rng(0)
        np.save("x.npy", random.integers(0, 2, (N, *SHAPE)).astype("float32"))
        model = genprobe.train(
            genprobe.open_dataset("x.npy"),
            name="small",
            data="x.npy",
            latent=2,
            hidden=(4,),
            epochs=20,
            learning_rate=0.01,
            prior="diagonal-normal",
        )
        genprobe.save(model, MODEL)
        Path("small_vae.py").write_text(BUILD, encoding="utf-8")
        Path("planted.py").write_text(PLANTED, encoding="utf-8")


def warm_up(folder: Path) -> None:
    """Run commands once in this process, so that no child has to import anything.

    Args:
        folder: with a store of the base files.
    """
    with (
        contextlib.chdir(folder),
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        for action in (show("s.h5"), evaluate(MODEL), compare("s.h5", "s.h5")):
            action()
        command("show", "s.h5", *QUERIES, "--html", "out.html", "--plot", "out.png")()
    for name in ("out.json", "out.html", "out.png", "s.h5.report.json"):
        (folder / name).unlink()


def make(folder: Path, base: Path, add: Make) -> None:
    """The files of a format.

    Args:
        folder: that they go into, not there yet.
        base: what is in every case's folder.
        add: makes what the format has besides, in the current folder.
    """
    shutil.copytree(base, folder)
    with contextlib.chdir(folder), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        add()


def add_nothing() -> None:
    """Nothing but the model and its data."""


def add_store() -> None:
    """A finished store, without the report that is kept beside it."""
    genprobe.evaluate(MODEL, store="s.h5", pictures=False, **OPTIONS)
    Path("s.h5.report.json").unlink()


def add_reported_store() -> None:
    """A finished store with pictures, and a report that stands for it."""
    genprobe.evaluate(MODEL, store="s.h5", pictures=True, device="cpu")


def add_sharded() -> None:
    """A store in two shards, written by two ranks."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    children = []
    for rank in range(2):
        child = os.fork()
        if not child:
            run_rank(rank, port)
        children.append(child)
    for child in children:
        if os.waitpid(child, 0)[1]:
            raise RuntimeError("The two ranks did not write their store.")
    Path("s.h5.report.json").unlink()


def run_rank(rank: int, port: int) -> None:
    """Be one of two ranks that evaluate the model, and end."""
    status = 1
    try:
        os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
        os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        genprobe.evaluate(MODEL, store="s.h5", pictures=False, **OPTIONS)
        status = 0
    finally:
        os._exit(status)


def evaluate_in_part(fresh: bool = False) -> None:
    """Encode all segments but the last, and stop there as at Ctrl-C."""
    model = load(MODEL)

    def encode(x: torch.Tensor) -> object:
        if len(list(Path("s.h5.partial").glob("*.h5"))) == 2:
            raise KeyboardInterrupt
        return model.encode(x)

    with contextlib.suppress(KeyboardInterrupt):
        stopped = replace(model, encode=encode)
        genprobe.evaluate(
            stopped,
            "x.npy",
            store="s.h5",
            fresh=fresh,
            pictures=False,
            batch_size=SEGMENT,
            **OPTIONS,
        )
    if not list(Path("s.h5.partial").glob("*.h5")):
        raise RuntimeError("No unfinished store was left.")


def add_unfinished() -> None:
    """A store of which two segments of three are written."""
    evaluate_in_part()


def add_unfinished_fresh() -> None:
    """A finished store, and two segments of three of the one that is to replace it."""
    add_store()
    evaluate_in_part(fresh=True)


def add_json() -> None:
    """A report and a comparison as a user keeps them, without a store."""
    with contextlib.chdir(Path.cwd()):
        report = genprobe.evaluate(MODEL, pictures=False, **OPTIONS)
        Path("r.json").write_text(report.to_json(), encoding="utf-8")
        other = replace(report, model="other", store=None)
        Path("q.json").write_text(other.to_json(), encoding="utf-8")
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            compare("r.json", "q.json")()
        Path("out.json").rename("c.json")


def state() -> dict[str, torch.Tensor]:
    """The weights of the model."""
    module = load(MODEL).module
    assert module is not None
    return {k: v.detach().clone() for k, v in module.state_dict().items()}


def add_weights() -> None:
    """Its weights as state dicts: of today's format and of the older one."""
    torch.save(state(), "weights.pt")
    torch.save(state(), "weights.pth.tar", _use_new_zipfile_serialization=False)


def add_checkpoints() -> None:
    """Checkpoints with objects of other classes: of today's format and of the older one."""
    content = {
        "epoch": 3,
        "hyper_parameters": argparse.Namespace(latent=2, hidden=[4]),
        "state_dict": state(),
    }
    torch.save(content, "checkpoint.ckpt")
    torch.save(content, "checkpoint.pth", _use_new_zipfile_serialization=False)


def add_torchscript() -> None:
    """A scripted network that says what its parts are."""
    extra = {"genprobe.json": json.dumps({"family": "diagonal-normal", "name": "scripted"})}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*torch.jit", FutureWarning)  # of newer torch
        traced = torch.jit.script(torch.nn.Linear(4, 4))
        torch.jit.save(traced, "scripted.pt", _extra_files=extra)


def add_exported() -> None:
    """The model as exported programs."""
    genprobe.export(MODEL, "exported")


def add_safetensors() -> None:
    """The weights as safetensors, in one file and in two with an index."""
    tensors = state()
    save_file(tensors, "weights.safetensors")
    names = sorted(tensors)
    parts = [names[: len(names) // 2], names[len(names) // 2 :]]
    where = {}
    for i, part in enumerate(parts):
        shard = f"model-{i + 1:05d}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, shard)
        where |= dict.fromkeys(part, shard)
    index = {"metadata": {"total_size": 100}, "weight_map": where}
    Path("model.safetensors.index.json").write_text(json.dumps(index, indent=1), encoding="utf-8")


def add_prior() -> None:
    """A prior over the codes of posteriors without a model."""
    add_posteriors()
    latent = torch.zeros(2, dtype=torch.float64)
    params = {"loc": latent, "scale": latent + 1}
    write_prior(genprobe.NamedPrior(name="diagonal-normal", params=params), Path("prior.npz"))


def add_posteriors() -> None:
    """Posteriors of one model, as .npz and as .h5."""
    random = np.random.default_rng(1)
    loc = random.normal(size=(N, 2)).astype("float32")
    arrays = {"loc": loc, "scale": np.full_like(loc, 0.5), "distortion": random.random(N) + 5}
    shape = np.array([16])
    np.savez("posteriors.npz", **arrays, event_shape=shape, name="kept", family="diagonal-normal")
    with h5py.File("posteriors.h5", "w") as file:
        for name, values in arrays.items():
            file[name] = values
        file["prior_params/loc"], file["prior_params/scale"] = np.zeros(2), np.ones(2)
        file.attrs.update({"name": "kept", "prior": "diagonal-normal", "event_shape": shape})


def add_data() -> None:
    """The data in every format that holds data."""
    x = np.load("x.npy")
    np.save("data.npy", x)
    labels = np.arange(N) % 3
    np.savez("data.npz", x=x, y=labels)
    torch.save({"x": torch.from_numpy(x), "y": torch.from_numpy(labels)}, "data.pt")
    with h5py.File("data.h5", "w") as file:
        file["x"], file["y"] = x, labels
        file["names"] = [f"example {i}" for i in range(N)]
    sizes = b"".join(size.to_bytes(4, "big") for size in (N, 4, 4))
    content = b"\0\0\x08\x03" + sizes + (x * 255).astype("u1").tobytes()
    Path("data-idx3-ubyte").write_bytes(content)
    Path("data-idx3-ubyte.gz").write_bytes(gzip.compress(content, mtime=0))


def add_cuts() -> None:
    """A store, and thresholds of the regimes."""
    add_store()
    Path("cuts.toml").write_text("collapsed_nats = 0.2\nsyntactic = 0.4\n", encoding="utf-8")
