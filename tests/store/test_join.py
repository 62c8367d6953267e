import contextlib
import math

import h5py
import pytest
import torch

from genprobe.runtime.ranks import Ranks
from genprobe.store import shards
from genprobe.store.read import open_store
from genprobe.store.shards import finish_store
from genprobe.store.write import StoreWriter

PARTS = [
    {"subset/index": torch.tensor([1, 3]), "subset/old": torch.tensor([[1.0, 3.0]]).double()},
    {},
    {
        "subset/index": torch.tensor([8]),
        "subset/old": torch.tensor([[math.nan]]).double(),
        "subset/new": torch.tensor([[8.0], [80.0]]).double(),
    },
]
"""What three segments have of a subset: the second none, and one column only the last."""


@pytest.fixture(params=[1, 2, 3])
def store(request, tmp_path, header, cut, prior, monkeypatch):
    """The store of these segments, written by so many ranks one after the other."""
    monkeypatch.setattr(shards, "barrier", lambda ranks: contextlib.nullcontext())
    path = tmp_path / "s.h5"
    with StoreWriter(path, header) as writer:
        for segment in writer.missing():
            writer.write(segment, cut(segment) | PARTS[segment], None)
        for rank in reversed(range(request.param)):
            writer.ranks = Ranks(rank, request.param)
            finish_store(writer, prior)
    return open_store(path)


def test_what_is_of_a_subset_is_joined_in_the_order_of_the_examples(store):
    assert store.probed().tolist() == [1, 3, 8]
    old = store.column("subset/old")
    assert old[0, :2].tolist() == [1.0, 3.0]
    assert old[0, 2].isnan()


def test_where_examples_lack_a_column_there_is_nan(store):
    new = store.column("subset/new")
    assert new[:, 2].tolist() == [8.0, 80.0]
    assert new[:, :2].isnan().all()


def test_a_subset_is_checksummed_and_in_the_store_itself(store):
    with h5py.File(store.path) as file:
        for column in file["subset"].values():
            assert column.fletcher32
            assert not column.is_virtual


def test_a_column_that_some_segments_lack_is_nan_there(tmp_path, header, cut, prior):
    """As where a plugin came between an interrupt and the rest of a run."""
    path = tmp_path / "s.h5"
    with StoreWriter(path, header) as writer:
        for segment in writer.missing():
            late = {"probes/late": torch.ones(1, 4)} if segment == 1 else {}
            writer.write(segment, cut(segment) | late, None)
        writer.finish(prior)
    late = open_store(path).column("probes/late")[0]
    assert late.isfinite().tolist() == [4 <= i < 8 for i in range(header.n)]


def test_a_column_of_many_rows_has_few_chunks(tmp_path, header, cut, prior):
    path = tmp_path / "s.h5"
    rows = 4096
    with StoreWriter(path, header) as writer:
        for segment in writer.missing():
            start, stop = header.span(segment)
            features = torch.arange(start, stop).expand(rows, -1).float()
            writer.write(segment, cut(segment) | {"probes/features": features}, None)
        finish_store(writer, prior)
    store = open_store(path)
    assert torch.equal(store.column("probes/features"), torch.arange(header.n).expand(rows, -1))
    with h5py.File(path) as file:
        column = file["probes/features"]
        assert math.prod(column.chunks) * column.dtype.itemsize <= 1 << 20
        assert column.chunks[0] == rows
        assert file["probes/rate"].chunks[0] == 1
