"""Small models and the reports they give: what estimators and renderers have to cope with."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from genprobe.analysis.options import Options
from genprobe.errors import Notice
from genprobe.report import Report
from genprobe.runs.evaluate import evaluate
from genprobe.runs.evaluation import run_evaluation
from genprobe.types import Model, Params

EXAMPLES = 48
ANNEALED = "an annealed model"
"""A case by itself, whose store takes seconds to make."""


def data(count: int = EXAMPLES) -> Tensor:
    """Binary examples (count, 3), the same ones always."""
    bits = torch.arange(count)[:, None] // torch.tensor([1, 2, 4]) % 2
    return bits.double()


def encoder(spread: float, scale: float) -> Callable[[Tensor], Params]:
    """X to normals at spread times (x less a half), of a fixed scale."""
    return lambda x: {"loc": spread * (x - 0.5), "scale": torch.full_like(x, scale)}


def decode(z: Tensor) -> Params:
    """The logits of bits that follow z."""
    return {"logits": 2 * z}


def model(name: str, spread: float = 2.0, scale: float = 0.5, decoder: bool = True) -> Model:
    """A model of bits with three latent dimensions."""
    return Model(
        name=name,
        encode=encoder(spread, scale),
        posterior="diagonal-normal",
        prior="standard-normal",
        decode=decode if decoder else None,
        likelihood="bernoulli" if decoder else None,
    )


def on_grid() -> Model:
    """A model of bits whose latent has one channel and six positions; no decoder."""
    encode = encoder(spread=2.0, scale=0.5)
    flat = model("on-grid", decoder=False)
    return replace(flat, encode=lambda x: encode(x.repeat(1, 2)[:, None]))


def tokens() -> Model:
    """A quantiser of bits whose codes are the bits; no decoder."""
    return Model(
        name="tokens",
        encode=lambda x: {"index": x, "classes": torch.full((len(x),), 2.0)},
        posterior="codes",
        prior="uniform-categorical",
    )


def cases() -> Mapping[str, tuple[Model, Tensor, int]]:
    """A model, its data and a number of draws, by what is special about them."""
    return {
        "a model with a decoder": (model("bits"), data(), 2),
        "a model without a decoder": (model("rate-only", decoder=False), data(), 1),
        "a collapsed model": (model("collapsed", spread=0.0, scale=1.0), data(), 1),
        "a model of separate codes": (model("separate", spread=50.0, scale=0.01), data(), 1),
        "two examples": (model("few"), data(2), 1),
        "codes on a grid": (on_grid(), data(), 1),
        "codes of a quantiser": (tokens(), data(), 1),
    }


@cache
def reports() -> Mapping[str, Report]:
    """Reports by what is special about them."""
    found = {
        case: evaluate(model, x, draws=draws, device="cpu")
        for case, (model, x, draws) in cases().items()
    }
    full = found["a model with a decoder"]
    notice = Notice(code="example", message="A | pipe, <b>, 50 % and £.", remedy="None.")
    rate = replace(full["rate"], se=None, se_data=None)
    return {
        **found,
        "names with signs in them": replace(full, model="β|vae <b> {x} 50%", dataset="a_b*c"),
        "many warnings": replace(full, warnings=[notice] * 12),
        "no dimensions": replace(full, dimensions=()),
        "no standard errors": replace(full, estimates={**full.estimates, "rate": rate}),
        "nothing but the rate": replace(full, estimates={"rate": full["rate"]}),
    }


def write_store(case: str, folder: Path) -> Path:
    """The store of a case, written into a folder; no estimator has seen it."""
    path = folder / f"{case.replace(' ', '-')}.h5"
    path.write_bytes(store_bytes(case))
    return path


@cache
def store_bytes(case: str) -> bytes:
    """The content of the store of a case."""
    options = Options(device="cpu", estimators={})
    if case == ANNEALED:
        made, x = model("annealed"), data(16)
        options = replace(options, inference=4, max_steps=8)
    else:
        made, x, draws = cases()[case]
        options = replace(options, draws=draws)
    with TemporaryDirectory(prefix="genprobe-") as folder:
        path = Path(folder) / "store.h5"
        run_evaluation(made, x, replace(options, store=path))
        return path.read_bytes()
