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
    assert not store.has("probes/mine")
    with pytest.raises(StoreError, match=r"store\.h5 has no probes/mine"):
        store.column("probes/mine")


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


@pytest.mark.parametrize("name", ["probes/rate", "draws/z", "params/loc", "prior/loc"])
def test_a_flipped_bit_is_found_and_told(path, write_store, name):
    flip(write_store(path), name)
    with pytest.raises(StoreError, match=r"store\.h5 is damaged: .*checksum.*\n.*--fresh"):
        open_store(path)


def test_no_bit_of_a_store_can_flip_without_a_word(path, write_store):
    content = write_store(path).read_bytes()
    generator = torch.Generator().manual_seed(0)
    for place in torch.randint(len(content), (60,), generator=generator).tolist():
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        with pytest.raises(StoreError, match=r"store\.h5 is (damaged|not a store)"):
            open_store(path)


def test_a_store_that_changes_while_it_is_read_is_told(store, path, write_store, header):
    write_store(path, replace(header, model="other"))
    for read in (store.notices, lambda: next(store.blocks()), lambda: store.column("draws/z")):
        with pytest.raises(StoreError, match=r"store\.h5 changed while it was read"):
            read()


def test_a_store_that_vanishes_is_called_gone(store, path):
    path.unlink()
    with pytest.raises(StoreError, match=r"store\.h5 is gone"):
        store.column("probes/rate")


def forget(name):
    return lambda file: file.__delitem__(name)


def reshape(name, shape):
    def change(file):
        del file[name]
        file[name] = torch.zeros(shape).numpy()

    return change


MISSING = [
    "draws/z",
    "draws/log_qz_x",
    "draws/log_pz",
    "probes/rate",
    "probes/distortion",
    "params",
]


@pytest.mark.parametrize("name", MISSING)
def test_a_store_without_what_its_header_promises_is_refused(path, write_store, edit_store, name):
    with pytest.raises(StoreError, match=rf"store\.h5 is damaged: it has no {name}"):
        edit_store(write_store(path), forget(name))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("draws/z", (2, 10, 3)),
        ("draws/log_pz", (1, 10)),
        ("params/loc", (9, 2)),
        ("params/loc", ()),
    ],
)
def test_an_array_of_another_shape_is_refused(path, write_store, edit_store, name, shape):
    with pytest.raises(StoreError, match=rf"store\.h5 is damaged: {name} is float32 of shape"):
        edit_store(write_store(path), reshape(name, shape))


def test_text_in_the_place_of_numbers_is_refused(path, write_store, edit_store):
    def change(file):
        del file["probes/rate"]
        file["probes/rate"] = [["a"] * 10]

    with pytest.raises(StoreError, match=r"store\.h5 is damaged: probes/rate is object"):
        edit_store(write_store(path), change)


def test_no_store(path):
    with pytest.raises(StoreError, match=r"no store at .*store\.h5"):
        open_store(path)


def test_an_unfinished_store_is_told_to_be_so(path, header, cut):
    with StoreWriter(path, header) as writer:
        writer.write(0, cut(0), None)
    with pytest.raises(StoreError, match=r"no store at .*\nIt is unfinished .*partial.*run evalu"):
        open_store(path)


@pytest.mark.parametrize("content", [b"", b"n,rate\n"])
def test_what_is_not_hdf5_is_told(path, content):
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"store\.h5 is not a store: it is no HDF5 file.\n"):
        open_store(path)


def test_what_only_begins_like_hdf5_is_told(path):
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 99)
    with pytest.raises(StoreError, match=r"store\.h5 is damaged: .*\n.*--fresh"):
        open_store(path)


def test_a_truncated_store_is_told(path, write_store):
    write_store(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(StoreError, match=r"store\.h5 is damaged: .*truncated"):
        open_store(path)


def test_a_folder_is_no_store(path):
    path.mkdir()
    with pytest.raises(StoreError, match=r"store\.h5 is a folder, not a file"):
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
