import contextlib
import json
import shutil
from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch

from genprobe.errors import StoreError
from genprobe.runtime.ranks import Ranks
from genprobe.store import shards as module
from genprobe.store.read import open_store
from genprobe.store.run_id import clear_run_id
from genprobe.store.shards import finish_store
from genprobe.store.write import StoreWriter


@pytest.fixture
def write_sharded(cut, header, notice, prior, monkeypatch):
    """Write the small store in so many shards, one rank after the other in this process."""
    monkeypatch.setattr(module, "barrier", lambda ranks: contextlib.nullcontext())

    def write_sharded(path, size=2, header=header):
        with StoreWriter(path, header, fresh=True) as writer:
            for segment in writer.missing():
                arrays = cut(segment) | {"moments/x": torch.full((3,), 2.0**segment).double()}
                writer.write(segment, arrays, notice if segment == 1 else None)
            for rank in reversed(range(size)):  # rank 0 last, which unites them
                writer.ranks = Ranks(rank, size)
                finish_store(writer, prior)
        clear_run_id(path)
        return path

    return write_sharded


def shard_files(path):
    return sorted(path.with_name(f"{path.name}.shards").iterdir())


@pytest.mark.parametrize("size", [2, 3, 8])
def test_shards_read_as_the_one_file(path, write_sharded, write_store, columns, prior, size):
    store = open_store(write_sharded(path, size))
    single = open_store(write_store(path.with_name("single.h5")))
    assert len(shard_files(path)) == min(size, 3)
    assert store.header == single.header
    for name in ("draws/log_qz_x", "probes/rate"):
        torch.testing.assert_close(store.column(name), columns[name], rtol=0, atol=0)
    _, params = next(store.blocks())
    torch.testing.assert_close(params["loc"], columns["params/loc"], rtol=0, atol=0)
    index = torch.tensor([0, 3, 4, 9])
    found = store.gather("draws/z", 1, index)
    torch.testing.assert_close(found, columns["draws/z"][1, index], rtol=0, atol=0)
    assert store.notices() == single.notices()
    torch.testing.assert_close(store.prior_params(), prior)
    with h5py.File(path) as file:
        assert file["moments/x"][...].tolist() == [7.0, 7.0, 7.0]  # 1 + 2 + 4


def test_a_shard_is_checksummed_and_says_whose_it_is(path, write_sharded):
    with h5py.File(write_sharded(path)) as file:
        listed = json.loads(file.attrs["shards"])
        header = file.attrs["header"]
        assert file["params/loc"].is_virtual
    assert [(shard["start"], shard["stop"]) for shard in listed] == [(0, 4), (4, 10)]
    for shard, place in zip(listed, shard_files(path), strict=True):
        assert shard["path"] == f"{path.name}.shards/{place.name}"
        with h5py.File(place) as file:
            assert file["params/loc"].fletcher32
            assert file.attrs["header"] == header


def test_a_store_moves_with_its_shards(path, write_sharded, columns, tmp_path_factory, monkeypatch):
    write_sharded(path.with_name("100%b.h5"))
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "deeper"
    shutil.move(path.parent, elsewhere)
    monkeypatch.chdir(elsewhere.parent)
    found = open_store(elsewhere / "100%b.h5").column("draws/log_qz_x")
    torch.testing.assert_close(found, columns["draws/log_qz_x"], rtol=0, atol=0)


def test_a_missing_shard_is_told_and_never_read_as_gaps(path, write_sharded):
    store = open_store(write_sharded(path))
    shard = shard_files(path)[1]
    shard.unlink()
    with pytest.raises(StoreError, match=f"lacks its shard .*{shard.name}"):
        open_store(path)
    with pytest.raises(StoreError, match=f"{shard.name} is gone"):
        store.column("probes/rate")


def test_a_shard_cut_short_is_told(path, write_sharded):
    shard = shard_files(write_sharded(path))[0]
    shard.write_bytes(shard.read_bytes()[:1000])
    with pytest.raises(StoreError, match=rf"{shard.name} is damaged: .*truncated"):
        open_store(path)


def test_a_damaged_value_fails_its_checksum(path, write_sharded, columns):
    shard = shard_files(write_sharded(path))[1]
    content = shard.read_bytes()
    position = content.index(columns["params/loc"][5].numpy().tobytes())
    shard.write_bytes(content[:position] + b"?" + content[position + 1 :])
    with pytest.raises(StoreError, match=rf"{shard.name} is damaged: .*checksum"):
        open_store(path)


def test_a_shard_in_the_place_of_another_is_refused(path, write_sharded):
    first, second, *_ = shard_files(write_sharded(path))
    shutil.copy(first, second)
    with pytest.raises(StoreError, match=rf"{second.name} is not of the store .*store\.h5"):
        open_store(path)


def test_a_shard_of_another_store_is_refused(path, write_sharded, header):
    other = write_sharded(path.with_name("other.h5"), header=replace(header, seed=1))
    write_sharded(path)
    shutil.copy(shard_files(other)[0], shard_files(path)[0])
    with pytest.raises(StoreError, match=r"is not of the store .*store\.h5"):
        open_store(path)


def test_a_fresh_run_leaves_the_shards_of_the_last_until_it_has_its_own(
    path, write_sharded, header, monkeypatch
):
    first = {p: p.read_bytes() for p in shard_files(write_sharded(path))}
    old = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(module, "unite_shards", lambda *given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write_sharded(path)
    assert path.read_bytes() == old
    assert {p: p.read_bytes() for p in first} == first
    assert len(shard_files(path)) == 4
    assert not {*first} & {*shard_files(write_sharded(path))}


def test_a_fresh_run_drops_the_shards_of_the_last(path, write_sharded, write_store, header):
    first = shard_files(write_sharded(path, 3))
    second = shard_files(write_sharded(path, 2, replace(header, seed=1)))
    assert len(second) == 2
    assert not {*first} & {*second}
    write_sharded(path, 1)
    assert list(path.parent.iterdir()) == [path]
    np.testing.assert_equal(open_store(path).header.seed, 0)


def test_a_link_to_a_store_is_the_store(path, write_sharded):
    link = path.parent / "elsewhere" / "link.h5"
    link.parent.mkdir()
    link.symlink_to(write_sharded(path))
    assert open_store(link).path == path
