from dataclasses import replace

import h5py
import pytest
import torch

from genprobe.errors import StoreError
from genprobe.store.read import BLOCK_VALUES, block_rows, open_store
from genprobe.store.write import StoreWriter


@pytest.fixture
def store(path, write_store):
    return open_store(write_store(path))


def test_the_header_is_the_writers(store, header):
    assert store.header == header


def test_columns_are_whole_and_in_float64(store, columns):
    for name in ("draws/z", "draws/log_qz_x", "probes/rate"):
        torch.testing.assert_close(store.column(name), columns[name].double(), rtol=0, atol=0)


def test_an_absent_column_is_told(store):
    assert store.has("probes/rate")
    assert not store.has("probes/distortion")
    with pytest.raises(StoreError, match=r"store\.h5 has no probes/distortion"):
        store.column("probes/distortion")


@pytest.mark.parametrize("rows", [1, 3, 4, 10, 99])
def test_blocks_cover_the_parameters_in_order(store, columns, rows):
    blocks = list(store.blocks(rows))
    assert [start for start, _ in blocks] == list(range(0, 10, rows))
    for name in ("loc", "scale"):
        whole = torch.cat([params[name] for _, params in blocks])
        torch.testing.assert_close(whole, columns[f"params/{name}"], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("values", "segment", "rows"), [(2, 4096, 8192), (16384, 256, 256), (16384, 60, 240)]
)
def test_a_block_is_whole_segments_and_not_too_large(header, values, segment, rows):
    found = block_rows(replace(header, latent_shape=(values,), segment=segment))
    assert found == rows
    assert found * values <= BLOCK_VALUES


def test_a_block_is_never_less_than_a_segment(header):
    assert block_rows(replace(header, latent_shape=(4, 2**20), segment=16)) == 16


@pytest.mark.parametrize("index", [[0], [9], [1, 2, 7], [3, 4, 8], list(range(10)), [2, 2, 5]])
@pytest.mark.parametrize("draw", [0, 1])
def test_selected_draws_are_those_asked_for(store, columns, index, draw):
    index = torch.tensor(index)
    found = store.gather("draws/z", draw, index)
    torch.testing.assert_close(found, columns["draws/z"][draw, index], rtol=0, atol=0)


def test_the_prior_and_the_notices_come_back(store, prior, notice):
    torch.testing.assert_close(store.prior_params(), prior, rtol=0, atol=0)
    assert store.notices() == [notice]


def flip(path, name):
    """Flip one bit of the first chunk of an array."""
    with h5py.File(path) as file:
        offset = file[name].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[offset + 3] ^= 1
    path.write_bytes(content)


READERS = {
    "probes/rate": lambda s: s.column("probes/rate"),
    "draws/z": lambda s: s.gather("draws/z", 0, torch.tensor([0])),
    "params/loc": lambda s: next(s.blocks()),
    "prior/loc": lambda s: s.prior_params(),
}


@pytest.mark.parametrize("name", READERS)
def test_a_flipped_bit_is_found_and_told(store, path, name):
    READERS[name](store)
    flip(path, name)
    with pytest.raises(StoreError, match=rf"store\.h5 is damaged: /{name} .*\n.*--fresh"):
        READERS[name](open_store(path))


def test_no_store(path):
    with pytest.raises(StoreError, match=r"no store at .*store\.h5"):
        open_store(path)


def test_an_unfinished_store_is_told_to_be_so(path, header, cut):
    with StoreWriter(path, header) as writer:
        writer.write(0, cut(0), None)
    with pytest.raises(StoreError, match=r"no store at .*\nIt is unfinished .*partial.*run evalu"):
        open_store(path)


@pytest.mark.parametrize("content", [b"", b"n,rate\n", b"\x89HDF\r\n\x1a\n" + b"\0" * 99])
def test_what_is_not_hdf5_is_told(path, content):
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"store\.h5 is not a readable HDF5 file.*\n"):
        open_store(path)


def test_a_truncated_store_is_told(path, write_store):
    write_store(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(StoreError, match="not a readable HDF5 file"):
        open_store(path)


def test_a_folder_is_no_store(path):
    path.mkdir()
    with pytest.raises(StoreError, match=r"store\.h5 is not a readable"):
        open_store(path)


def test_another_hdf5_file_is_told(path):
    with h5py.File(path, "w") as file:
        file["x"] = [1, 2]
    with pytest.raises(StoreError, match=r"store\.h5 is not a genprobe store: it has no header"):
        open_store(path)


def test_a_store_of_a_newer_version_is_told(path, write_store):
    with h5py.File(write_store(path), "r+") as file:
        text = file.attrs["header"].replace('"version": 2', '"version": 7')
        file.attrs["header"] = text
    with pytest.raises(StoreError, match=r"store\.h5 has version 7.*\nUpgrade"):
        open_store(path)


def test_a_store_of_one_example(path, header, columns):
    with StoreWriter(path, replace(header, n=1)) as writer:
        one = {k: v[:1] if k[:6] == "params" else v[:, :1] for k, v in columns.items()}
        writer.write(0, one, None)
        writer.finish({})
    assert open_store(path).column("draws/log_qz_x").shape == (2, 1)


@pytest.mark.parametrize(("start", "stop"), [(0, 10), (3, 9), (4, 4), (9, 10)])
def test_blocks_of_a_stretch_are_its_examples(path, write_store, columns, start, stop):
    blocks = list(open_store(write_store(path)).blocks(4, start, stop))
    assert [first for first, _ in blocks] == list(range(start, stop, 4))
    found = torch.cat([params["loc"] for _, params in blocks] or [torch.empty(0, 2)])
    torch.testing.assert_close(found, columns["params/loc"][start:stop], rtol=0, atol=0)
