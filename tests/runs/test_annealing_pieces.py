import pytest
import torch

from genprobe.errors import StoreError
from genprobe.runs.annealing_pieces import Pieces


@pytest.fixture
def pieces(tmp_path):
    found = Pieces(tmp_path / "s.h5", "one")
    found.partial.mkdir()
    found.open()
    return found


def test_a_piece_is_computed_once_and_comes_back_as_it_was(pieces):
    given = {"a": torch.randn(2, 3).double(), "n": torch.tensor(7), "param.loc": torch.randn(3)}
    pieces.step("fit-000000", lambda: given)
    again = pieces.step("fit-000000", pytest.fail)
    assert again.keys() == given.keys()
    assert all(torch.equal(again[k], given[k]) for k in given)
    assert [path.name for path in pieces.folder.iterdir()] == ["fit-000000.npz"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04K\x01."])
def test_a_piece_that_does_not_read_is_computed_again(pieces, content):
    (pieces.folder / "fit-000000.npz").write_bytes(content)
    assert pieces.step("fit-000000", lambda: {"n": torch.tensor(1)})["n"] == 1
    assert pieces.read("fit-000000")["n"] == 1


def test_what_is_of_others_goes_and_what_is_of_the_user_stays(pieces, tmp_path):
    pieces.step("fit-000000", lambda: {"n": torch.tensor(1)})
    mine = pieces.partial / "notes.txt"
    mine.write_text("mine")
    other = Pieces(tmp_path / "s.h5", "two")
    assert other.folder != pieces.folder
    other.open()
    assert sorted(p.name for p in pieces.partial.iterdir()) == [other.folder.name, "notes.txt"]
    (other.folder / "more.txt").write_text("mine")
    other.step("fit-000000", lambda: {"n": torch.tensor(1)})
    other.close()
    assert [p.name for p in other.folder.iterdir()] == ["more.txt"]


def test_a_folder_that_is_a_link_is_not_followed(pieces, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "fit-000000.npz").write_bytes(b"mine")
    other = Pieces(tmp_path / "s.h5", "two")
    other.folder.symlink_to(elsewhere)
    with pytest.raises(StoreError, match="symbolic link"):
        other.open()
    pieces.open()
    assert (elsewhere / "fit-000000.npz").exists()
