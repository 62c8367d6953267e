from dataclasses import replace

import pytest
import torch

from genprobe.store.format import Header
from genprobe.store.write import StoreWriter
from genprobe.types import Notice

N, SEGMENT, DRAWS = 10, 4, 2
HEADER = Header(
    model="mine",
    model_fingerprint="m" * 64,
    dataset="data",
    dataset_fingerprint="d" * 64,
    n=N,
    event_shape=(3,),
    latent_shape=(2,),
    family="diagonal-normal",
    prior="diagonal-normal",
    likelihood="bernoulli",
    discrete=True,
    binarize="none",
    entropy=None,
    rate_analytic=True,
    draws=DRAWS,
    seed=0,
    dtype="float32",
    segment=SEGMENT,
    training={"beta": 0.5},
)


@pytest.fixture
def header():
    return replace(HEADER)


@pytest.fixture
def columns():
    """Every array of a small store by its path, over all examples."""
    g = torch.Generator().manual_seed(0)
    return {
        "params/loc": torch.randn(N, 2, generator=g),
        "params/scale": torch.rand(N, 2, generator=g) + 0.1,
        "draws/z": torch.randn(DRAWS, N, 2, generator=g),
        "draws/log_qz_x": torch.randn(DRAWS, N, generator=g).double(),
        "draws/log_pz": torch.randn(DRAWS, N, generator=g).double(),
        "probes/rate": torch.rand(1, N, generator=g).double(),
        "probes/distortion": torch.rand(DRAWS, N, generator=g).double(),
    }


@pytest.fixture
def notice():
    return Notice(code="bernoulli-on-grey", message="Grey.", remedy="Binarise.")


@pytest.fixture
def prior():
    return {"loc": torch.tensor([0.5, -1.0]).double(), "scale": torch.tensor(2.0).double()}


@pytest.fixture
def cut(columns, header):
    """The arrays of one segment."""

    def cut(segment):
        part = slice(*header.span(segment))
        return {k: v[part] if k[:6] == "params" else v[:, part] for k, v in columns.items()}

    return cut


@pytest.fixture
def write_store(cut, header, notice, prior):
    """Write the small store at a path."""

    def write_store(path, header=header):
        with StoreWriter(path, header) as writer:
            for segment in writer.missing():
                writer.write(segment, cut(segment), notice if segment == 1 else None)
            writer.finish(prior)
        return path

    return write_store


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.h5"
