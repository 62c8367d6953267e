"""What a user does with a file: a command, or a call of the Python interface.

An action is called in the folder of the file and returns its answer in plain types: what must not
change without a word where the file is damaged.
"""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import genprobe
from genprobe.cli import main

Action = Callable[[], Any]

REPORT = "out.json"
QUERIES = ("--max-queries", "8")
NEVER = {"provenance", "message", "remedy"}
"""Keys of a report that are no part of its numbers."""


class Refused(Exception):
    """A command ended with another exit status than 0.

    Args:
        code: the exit status.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def command(*words: str) -> Action:
    """An action that runs a command line in this process, and returns the numbers it wrote."""

    def run() -> Any:
        try:
            main(list(words), prog_name="genprobe")
        except SystemExit as ended:
            if ended.code:
                raise Refused(ended.code if isinstance(ended.code, int) else 1) from ended
        return numbers_in(Path(REPORT)) if REPORT in words else None

    return run


def numbers_in(path: Path) -> Any:
    """A report or comparison without what is no number of it; warnings by their codes."""
    return without(json.loads(path.read_text(encoding="utf-8")))


def without(content: Any) -> Any:
    """Content of JSON without the keys of ``NEVER``."""
    if isinstance(content, dict):
        return {k: without(v) for k, v in content.items() if k not in NEVER}
    return [without(item) for item in content] if isinstance(content, list) else content


def evaluate(*words: str) -> Action:
    """``genprobe evaluate``."""
    return command("evaluate", *words, *QUERIES, "--json", REPORT)


def show(store: str) -> Action:
    """``genprobe show``."""
    return command("show", store, *QUERIES, "--json", REPORT)


def compare(*sources: str) -> Action:
    """``genprobe compare``."""
    return command("compare", *sources, "--json", REPORT)


def columns(path: str) -> Action:
    """Open a store and read everything that it holds."""

    def run() -> Any:
        store = genprobe.open_store(path)
        names = ("probes/rate", "probes/distortion", "draws/z", "draws/log_qz_x", "draws/log_pz")
        found = {name: digest(store.column(name)) for name in names}
        found |= {k: digest(v) for k, v in store.prior_params().items()}
        found |= {k: digest(v) for k, v in store.data_moments().items()}
        for start, params in store.blocks():
            found |= {f"{name} from {start}": digest(v) for name, v in params.items()}
        hashes = store.example_hashes()
        found["identity"] = None if hashes is None else digest(hashes)
        return found | {notice.code: str(notice) for notice in store.notices()}

    return run


def digest(values: torch.Tensor) -> str:
    """Shape, type and a hash of a tensor's bytes."""
    content = hashlib.sha256(values.contiguous().numpy().tobytes()).hexdigest()
    return f"{tuple(values.shape)} {values.dtype} {content}"


def pictures(path: str) -> Action:
    """Read the pictures of a store."""
    from genprobe.store.pictures import load_pictures

    def run() -> Any:
        found = load_pictures(genprobe.open_store(path))
        grids = {
            name: [grid.images.tolist(), list(grid.rows), grid.source]
            for name, grid in found.grids.items()
        }
        return [grids, dict(found.absent), list(found.examples)]

    return run


def load(path: str, **options: Any) -> Action:
    """Load a model, and ask its encoder and decoder about a few examples."""
    from genprobe.loaders.open import load as load_model

    def run() -> Any:
        sys.path.insert(0, "")
        model = load_model(path, **options)
        with torch.no_grad():
            if model.recorded is not None:
                return {k: v.tolist() for k, v in model.recorded.params(0, 4).items()}
            x = genprobe.open_dataset("x.npy").read(0, 4)
            found = dict(model.encode(x))
            if model.decode is not None and "loc" in found:
                found |= dict(model.decode(found["loc"]))
            return {k: v.tolist() for k, v in found.items()} | {"name": model.name}

    return run


def read_data(path: str) -> Action:
    """Open data and read every example."""

    def run() -> Any:
        dataset = genprobe.open_dataset(path)
        return digest(dataset.read(0, dataset.n))

    return run
