import io
import struct
import zipfile

import numpy as np
import pytest
import torch

from genprobe.runtime.checked_zip import checked_zip, require_intact
from genprobe.runtime.torch_file import load_tensors

WEIGHTS = torch.arange(100.0)


@pytest.fixture
def checkpoint(tmp_path):
    torch.save({"w": WEIGHTS}, tmp_path / "m.pt")
    return tmp_path / "m.pt"


def content_of(path, kind=zipfile.ZIP_STORED, members=(("a", b"1" * 50), ("b", b"2" * 50))):
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return bytearray(path.read_bytes())


def test_every_flipped_bit_of_a_weight_is_found(checkpoint):
    content = checkpoint.read_bytes()
    start = content.index(WEIGHTS.numpy().tobytes())
    for position in range(start, start + WEIGHTS.nbytes, 7):
        damaged = bytearray(content)
        damaged[position] ^= 1 << position % 8
        checkpoint.write_bytes(damaged)
        with pytest.raises(zipfile.BadZipFile, match="CRC"):
            load_tensors(checkpoint)


def test_a_checkpoint_without_checksums_loads(tmp_path):
    before = torch.serialization.get_crc32_options()
    torch.serialization.set_crc32_options(False)
    try:
        torch.save({"w": WEIGHTS}, tmp_path / "m.pt")
    finally:
        torch.serialization.set_crc32_options(before)
    assert torch.equal(load_tensors(tmp_path / "m.pt")["w"], WEIGHTS)
    with checked_zip(tmp_path / "m.pt", content=False) as archive:
        assert archive.read("m/data/0") == WEIGHTS.numpy().tobytes()


def test_what_is_no_archive_has_no_checksum(tmp_path):
    (tmp_path / "x").write_bytes(b"PK")
    require_intact(tmp_path / "x")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(tmp_path):
    content_of(tmp_path / "x", members=[("a", b"1"), ("a", b"2")])
    with pytest.raises(zipfile.BadZipFile, match="one name"), checked_zip(tmp_path / "x"):
        pass


@pytest.mark.parametrize(
    ("at", "words"),
    [*((at, "disagree") for at in (6, 8, 14, 18, 22, 30))],
)
def test_a_header_that_says_other_than_the_directory_is_refused(tmp_path, at, words):
    """Method, CRC, packed size, size, name, and flags."""
    content = content_of(tmp_path / "x")
    content[at] ^= 0x11
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(zipfile.BadZipFile, match=words), checked_zip(tmp_path / "x"):
        pass


def test_members_that_share_bytes_are_refused(tmp_path):
    content = content_of(tmp_path / "x", members=[("a", b"1" * 50), ("a2", b"2" * 50)])
    second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4)
    content[second + 42 : second + 46] = struct.pack("<L", 0)
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(zipfile.BadZipFile, match="overlaps"), checked_zip(tmp_path / "x"):
        pass


def test_a_size_that_no_deflate_reaches_is_refused(tmp_path):
    content = content_of(tmp_path / "x", zipfile.ZIP_DEFLATED, [("a", bytes(10_000))])
    huge = struct.pack("<L", 10_000_000)
    content[22:26] = huge
    directory = content.index(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = huge
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ValueError, match="claims 10000000"), checked_zip(tmp_path / "x"):
        pass


def test_what_others_write_passes(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.ones(3))
    np.savez_compressed(tmp_path / "b.npz", x=np.zeros((400, 1000)))
    stream = io.BytesIO()
    unseekable = type("Pipe", (), {"write": stream.write, "flush": stream.flush})()
    with zipfile.ZipFile(unseekable, "w") as archive:  # sizes follow each member
        archive.writestr("x", b"1" * 10)
    (tmp_path / "c.zip").write_bytes(stream.getvalue())
    for path in tmp_path.iterdir():
        with checked_zip(path) as archive:
            assert archive.testzip() is None


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_member_that_the_directory_does_not_list_is_missed(tmp_path, lost):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in "abc":
            archive.writestr(name, b"1" * 50)
        del archive.filelist[lost]
    with (
        pytest.raises(zipfile.BadZipFile, match="a member that its directory does not list"),
        checked_zip(path),
    ):
        pass
