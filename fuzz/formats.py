"""The formats that genprobe reads or writes: how each is made, damaged and used."""

from fuzz import corpus
from fuzz.actions import (
    REPORT,
    columns,
    command,
    compare,
    evaluate,
    load,
    pictures,
    read_data,
    show,
)
from fuzz.damage.archive import ARCHIVE, DIRECTORY, MEMBER_JSON
from fuzz.damage.hdf5 import HDF5, HEADER
from fuzz.damage.idx import GZIP, IDX
from fuzz.damage.npy import NPY, NPZ
from fuzz.damage.pickles import PICKLES
from fuzz.damage.places import EXCHANGES, PLACES
from fuzz.damage.raw import RAW
from fuzz.damage.text import JSON, SAFETENSORS, TOML
from fuzz.format import Format

STORE_WRITES = (
    "out.json",
    "s.h5",
    "s.h5.partial*",
    "s.h5.shards*",
    "s.h5.report.json",
    "s.h5.pic*",
)
STORE_DAMAGE = {**RAW, **HDF5, **HEADER, **PLACES}
STORE_ACTIONS = {
    "show": show("s.h5"),
    "columns": columns("s.h5"),
    "compare": compare("s.h5"),
    "evaluate": evaluate("model.pt", "--store", "s.h5"),
}
ZIPPED = {**RAW, **DIRECTORY}
"""Damage that the checksums of a zip archive's members find."""
REBUILT = {**ARCHIVE, **PLACES}
"""Damage to an archive after which its checksums are right."""
WITH = ("--factory", "small_vae:build", "--data", "x.npy")

FORMATS: dict[str, Format] = {
    "store": Format(
        label="store",
        make=corpus.add_store,
        targets=("s.h5",),
        damages=STORE_DAMAGE,
        checked=STORE_DAMAGE,
        actions={**STORE_ACTIONS, "fresh": evaluate("model.pt", "--store", "s.h5", "--fresh")},
        writes=STORE_WRITES,
        share=12,
    ),
    "sharded": Format(
        label="store in shards",
        make=corpus.add_sharded,
        targets=("s.h5", "s.h5.shards/*"),
        damages={**STORE_DAMAGE, **EXCHANGES},
        checked={**STORE_DAMAGE, **EXCHANGES},
        actions=STORE_ACTIONS,
        writes=STORE_WRITES,
        share=8,
    ),
    "unfinished": Format(
        label="unfinished store",
        make=corpus.add_unfinished,
        targets=("s.h5.partial/*.h5", "s.h5.partial/header.json"),
        damages={**RAW, **HDF5, **PLACES, **EXCHANGES, **JSON},
        checked={**RAW, **HDF5, **PLACES, **EXCHANGES, **JSON},
        actions={"resume": evaluate("model.pt", "--store", "s.h5")},
        writes=STORE_WRITES,
        share=5,
    ),
    "unfinished-fresh": Format(
        label="store that is being replaced",
        make=corpus.add_unfinished_fresh,
        targets=("s.h5.partial/*",),
        damages={**RAW, **HDF5, **PLACES, **EXCHANGES, **JSON},
        checked={**RAW, **HDF5, **PLACES, **EXCHANGES, **JSON},
        actions={
            "resume": evaluate("model.pt", "--store", "s.h5", "--fresh"),
            "show": show("s.h5"),
        },
        writes=STORE_WRITES,
        share=3,
    ),
    "kept-report": Format(
        label="report kept beside a store",
        make=corpus.add_reported_store,
        targets=("s.h5.report.json",),
        damages={**RAW, **JSON, **PLACES},
        checked={**RAW, **JSON, **PLACES},
        actions={
            "compare": compare("s.h5"),
            "compare again": compare("s.h5.report.json"),
            "show": command("show", "s.h5", "--json", REPORT),
            "evaluate": evaluate("model.pt", "--store", "s.h5"),
        },
        writes=STORE_WRITES,
        share=6,
    ),
    "pictures": Format(
        label="pictures of a store",
        make=corpus.add_reported_store,
        targets=("s.h5.pictures.npz",),
        damages={**ZIPPED, **REBUILT, **NPZ},
        checked=ZIPPED,
        actions={
            "pictures": pictures("s.h5"),
            "page": command("show", "s.h5", "--max-queries", "8", "--html", "out.html"),
        },
        writes=("out.json", "out.html"),
    ),
    "report": Format(
        label="report as JSON",
        make=corpus.add_json,
        targets=("r.json",),
        damages={**RAW, **JSON, **PLACES},
        checked={},
        actions={"compare": compare("r.json", "q.json"), "one": compare("r.json")},
        share=4,
    ),
    "comparison": Format(
        label="comparison as JSON",
        make=corpus.add_json,
        targets=("c.json",),
        damages={**RAW, **JSON, **PLACES},
        checked={},
        actions={"compare": compare("c.json", "r.json")},
        share=1,
    ),
    "bundle": Format(
        label="bundle",
        make=corpus.add_nothing,
        targets=("model.pt",),
        damages={**ZIPPED, **REBUILT, **PICKLES},
        checked=ZIPPED,
        actions={"evaluate": evaluate("model.pt"), "load": load("model.pt")},
        share=6,
    ),
    "weights": Format(
        label="state dict (zip)",
        make=corpus.add_weights,
        targets=("weights.pt",),
        damages={**ZIPPED, **REBUILT, **PICKLES},
        checked=ZIPPED,
        actions={
            "evaluate": evaluate("weights.pt", *WITH),
            "load": load("weights.pt", factory="small_vae:build"),
            "without a factory": evaluate("weights.pt", "--data", "x.npy"),
        },
        share=4,
    ),
    "legacy-weights": Format(
        label="state dict (older format)",
        make=corpus.add_weights,
        targets=("weights.pth.tar",),
        damages={**RAW, **PLACES, **PICKLES},
        checked={},
        actions={
            "evaluate": evaluate("weights.pth.tar", *WITH),
            "load": load("weights.pth.tar", factory="small_vae:build"),
        },
        share=4,
    ),
    "checkpoint": Format(
        label="checkpoint with foreign objects (zip)",
        make=corpus.add_checkpoints,
        targets=("checkpoint.ckpt",),
        damages={**ZIPPED, **REBUILT, **PICKLES},
        checked=ZIPPED,
        actions={
            "evaluate": evaluate("checkpoint.ckpt", *WITH),
            "load": load("checkpoint.ckpt", factory="small_vae:build"),
            "without a factory": evaluate("checkpoint.ckpt", "--data", "x.npy"),
        },
        share=4,
    ),
    "legacy-checkpoint": Format(
        label="checkpoint with foreign objects (older format)",
        make=corpus.add_checkpoints,
        targets=("checkpoint.pth",),
        damages={**RAW, **PLACES, **PICKLES},
        checked={},
        actions={
            "evaluate": evaluate("checkpoint.pth", *WITH),
            "load": load("checkpoint.pth", factory="small_vae:build"),
        },
        share=4,
    ),
    "torchscript": Format(
        label="TorchScript, without --trust",
        make=corpus.add_torchscript,
        targets=("scripted.pt",),
        damages={**ZIPPED, **REBUILT, **PICKLES},
        checked={},
        actions={"evaluate": evaluate("scripted.pt", "--data", "x.npy")},
        share=1,
    ),
    "exported": Format(
        label="exported programs",
        make=corpus.add_exported,
        targets=("exported/*.pt2", "exported/*.npz"),
        damages={**ZIPPED, **REBUILT, **MEMBER_JSON},
        checked={**ZIPPED, **REBUILT, **MEMBER_JSON},
        actions={"evaluate": evaluate("exported", "--data", "x.npy"), "load": load("exported")},
        share=2,
    ),
    "exported-metadata": Format(
        label="exported programs, what the folder says of itself",
        make=corpus.add_exported,
        targets=("exported/metadata.json",),
        damages={**RAW, **JSON, **PLACES},
        checked={},
        actions={"evaluate": evaluate("exported", "--data", "x.npy"), "load": load("exported")},
    ),
    "program": Format(
        label="exported programs with their hashes set right",
        make=corpus.add_exported,
        targets=("exported/*.pt2", "exported/*.npz"),
        damages={**RAW, **ARCHIVE, **MEMBER_JSON},
        checked={},
        actions={"evaluate": evaluate("exported", "--data", "x.npy"), "load": load("exported")},
        share=6,
    ),
    "safetensors": Format(
        label="safetensors",
        make=corpus.add_safetensors,
        targets=("weights.safetensors",),
        damages={**RAW, **PLACES, **SAFETENSORS},
        checked={},
        actions={
            "evaluate": evaluate("weights.safetensors", *WITH),
            "load": load("weights.safetensors", factory="small_vae:build"),
        },
    ),
    "safetensors-index": Format(
        label="index and shards of safetensors",
        make=corpus.add_safetensors,
        targets=("model.safetensors.index.json",),
        damages={**RAW, **PLACES, **JSON},
        checked={},
        actions={"load": load("model.safetensors.index.json", factory="small_vae:build")},
    ),
    "posteriors-npz": Format(
        label="posteriors (.npz)",
        make=corpus.add_posteriors,
        targets=("posteriors.npz",),
        damages={**ZIPPED, **REBUILT, **NPZ},
        checked=ZIPPED,
        actions={"evaluate": evaluate("posteriors.npz"), "load": load("posteriors.npz")},
        share=4,
    ),
    "prior": Format(
        label="fitted prior (.npz)",
        make=corpus.add_prior,
        targets=("prior.npz",),
        damages={**ZIPPED, **REBUILT, **NPZ},
        checked=ZIPPED,
        actions={
            "evaluate": evaluate("posteriors.npz", "--prior", "prior.npz"),
        },
    ),
    "posteriors-h5": Format(
        label="posteriors (.h5)",
        make=corpus.add_posteriors,
        targets=("posteriors.h5",),
        damages={**RAW, **HDF5, **PLACES},
        checked={},
        actions={"evaluate": evaluate("posteriors.h5"), "load": load("posteriors.h5")},
        share=4,
    ),
    "data-npy": Format(
        label="data (.npy)",
        make=corpus.add_data,
        targets=("data.npy",),
        damages={**RAW, **PLACES, **NPY},
        checked={},
        actions={
            "evaluate": evaluate("model.pt", "--data", "data.npy"),
            "read": read_data("data.npy"),
        },
    ),
    "data-npz": Format(
        label="data (.npz)",
        make=corpus.add_data,
        targets=("data.npz",),
        damages={**ZIPPED, **REBUILT, **NPZ},
        checked=ZIPPED,
        actions={
            "evaluate": evaluate("model.pt", "--data", "data.npz"),
            "read": read_data("data.npz"),
            "covariates": evaluate("model.pt", "--data", "x.npy", "--covariates", "y=data.npz::y"),
        },
    ),
    "data-h5": Format(
        label="data (.h5)",
        make=corpus.add_data,
        targets=("data.h5",),
        damages={**RAW, **HDF5, **PLACES},
        checked={},
        actions={
            "evaluate": evaluate("model.pt", "--data", "data.h5"),
            "read": read_data("data.h5"),
        },
    ),
    "data-pt": Format(
        label="data (.pt)",
        make=corpus.add_data,
        targets=("data.pt",),
        damages={**ZIPPED, **REBUILT, **PICKLES},
        checked=ZIPPED,
        actions={
            "evaluate": evaluate("model.pt", "--data", "data.pt"),
            "read": read_data("data.pt"),
        },
    ),
    "data-idx": Format(
        label="data (IDX)",
        make=corpus.add_data,
        targets=("data-idx3-ubyte",),
        damages={**RAW, **PLACES, **IDX},
        checked={},
        actions={"read": read_data("data-idx3-ubyte")},
    ),
    "data-idx-gz": Format(
        label="data (IDX, gzipped)",
        make=corpus.add_data,
        targets=("data-idx3-ubyte.gz",),
        damages={**RAW, **PLACES, **IDX, **GZIP},
        checked=RAW,
        actions={"read": read_data("data-idx3-ubyte.gz")},
    ),
    "cuts": Format(
        label="thresholds of the regimes (TOML)",
        make=corpus.add_cuts,
        targets=("cuts.toml",),
        damages={**RAW, **PLACES, **TOML},
        checked={},
        actions={
            "show": command(
                *("show", "s.h5", "--max-queries", "8", "--json", "out.json"),
                *("--regime-cuts", "cuts.toml"),
            )
        },
        share=1,
    ),
}
"""By name; a case names its format so."""
