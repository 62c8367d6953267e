import gzip
import struct

import numpy as np
import pytest

import genprobe
from genprobe.datasets.idx import idx, name_of, read_idx
from genprobe.errors import DataError

# The type codes of the format as published with MNIST.
CODES = {"u1": 0x08, "i1": 0x09, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}


def written(array, code=None):
    code = CODES[array.dtype.str.lstrip("|")] if code is None else code
    header = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return header + array.tobytes()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gz"])
@pytest.mark.parametrize("dtype", CODES)
def test_every_type_is_read_plain_and_gzipped(tmp_path, dtype, pack):
    array = np.arange(24).reshape(4, 3, 2).astype(dtype)
    path = tmp_path / "images-idx3-ubyte"
    path.write_bytes(pack(written(array)))
    np.testing.assert_array_equal(read_idx(path), array)
    dataset = idx.open(str(path), None)
    scale = 255 if dtype == "u1" else 1
    assert (dataset.n, dataset.event_shape) == (4, (3, 2))
    np.testing.assert_allclose(dataset.read(1, 3), array[1:3] / scale, rtol=1e-6)


def test_vectors_have_examples_without_axes(tmp_path):
    (tmp_path / "labels.idx").write_bytes(written(np.arange(5, dtype="u1")))
    assert idx.open(str(tmp_path / "labels.idx"), None).event_shape == ()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gz"])
def test_every_truncation_is_told(tmp_path, pack):
    path = tmp_path / "x.idx"
    content = pack(written(np.arange(6, dtype=">i2").reshape(3, 2)))
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(DataError, match=r"x\.idx"):
            idx.open(str(path), None)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x93NUMPY\x01\x00", "not an IDX file: it starts with"),
        (written(np.zeros((2, 2), "u1"), code=0x0A), "not an IDX file"),
        (b"\x00\x01" + written(np.zeros((2, 2), "u1"))[2:], "not an IDX file"),
        (written(np.zeros((2, 2), "u1")) + b"\x00", r"more than 4 bytes .*\(2, 2\), needs 4"),
        (b"\x00\x00\x08\x01\xff\xff\xff\xff\x00", "bytes where its header"),
        (
            gzip.compress(written(np.zeros((2, 2), "u1")), mtime=0)[:-8] + b"\xff" * 8,
            "does not read as IDX: CRC",
        ),
        (written(np.zeros((0, 2), "u1")), "no examples"),
        (b"\x00\x00\x08\x00\x07", "no examples"),
    ],
)
def test_what_is_not_idx_is_told(tmp_path, content, message):
    (tmp_path / "x.idx").write_bytes(content)
    with pytest.raises(DataError, match=message):
        idx.open(str(tmp_path / "x.idx"), None)


def test_a_file_is_found_under_the_data_folder_and_named_by_its_folder(tmp_path, monkeypatch):
    (tmp_path / "mnist").mkdir()
    path = tmp_path / "mnist" / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(written(np.zeros((2, 3), "u1"))))
    monkeypatch.setenv("GENPROBE_DATA_DIR", str(tmp_path))
    assert idx.open("mnist/t10k-images-idx3-ubyte.gz", None).name == "mnist/t10k-images"


def test_names_of_idx_files_are_recognised(tmp_path):
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte", "x.idx", "x.idx.gz"):
        assert idx.recognises(tmp_path / name)
    for name in ("x.npy", "idx", "x.gz", "digits"):
        assert not idx.recognises(tmp_path / name)
    assert name_of(tmp_path / "x.idx.gz").endswith("/x.idx")


def test_a_split_is_refused(tmp_path):
    with pytest.raises(DataError, match="no splits"):
        idx.open(str(tmp_path / "x.idx"), "test")


def test_mnist_is_read(data_dir):
    dataset = idx.open(str(data_dir / "mnist" / "t10k-images-idx3-ubyte.gz"), None)
    assert (dataset.n, dataset.event_shape) == (10000, (28, 28))
    x = dataset.read(0, 1000)
    assert (x.min(), x.max()) == (0, 1)


def test_a_folder_with_the_images_of_several_splits_is_one_data_set(tmp_path, monkeypatch, caplog):
    folder = tmp_path / "mnist"
    folder.mkdir()
    for name, count in {"t10k": 2, "train": 3}.items():
        images = written(np.zeros((count, 4, 4), dtype="u1"))
        (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(written(np.arange(count, dtype="u1")))
    monkeypatch.setenv("GENPROBE_DATA_DIR", str(tmp_path))
    for split, n in {"test": 2, "train": 3}.items():
        assert genprobe.open_dataset("mnist", split=split).n == n
        assert genprobe.open_dataset(folder, split=split).n == n
    assert not caplog.records
    with caplog.at_level("INFO", logger="genprobe"):
        assert genprobe.open_dataset("mnist").name == "mnist/t10k-images"
    assert "mnist holds test, train: test is taken; choose with --split" in caplog.text
    with pytest.raises(DataError, match=r"no split 'tests'.\nDid you mean test\? "):
        genprobe.open_dataset("mnist", split="tests")
    with pytest.raises(DataError, match=r"no data set 'mnits'.*\nDid you mean mnist\? "):
        genprobe.open_dataset("mnits")
    (folder / "t10k-images-idx3-ubyte.gz").unlink()
    caplog.clear()
    assert genprobe.open_dataset("mnist").n == 3
    assert not caplog.records


def test_a_name_that_is_no_data_set_is_answered_with_those_there_are():
    with pytest.raises(DataError) as told:
        genprobe.open_dataset("cifar")
    assert "Data sets: digits" in told.value.remedy
    assert "SCHEME:PATH (idx, array" in told.value.remedy
