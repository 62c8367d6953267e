import pytest

from genprobe.datasets.find import find_file
from genprobe.errors import DataError


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A GENPROBE_DATA_DIR, and another folder to be in."""
    shelf, here = tmp_path / "shelf", tmp_path / "here"
    (shelf / "mnist").mkdir(parents=True)
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("GENPROBE_DATA_DIR", str(shelf))
    return shelf


def test_a_path_is_taken_from_here_first(shelf, tmp_path):
    for folder in (shelf, tmp_path / "here"):
        (folder / "x.npy").touch()
    assert find_file("x.npy").resolve() == tmp_path / "here" / "x.npy"


def test_else_it_is_taken_from_the_data_folder(shelf):
    (shelf / "mnist" / "x.gz").touch()
    assert find_file("mnist/x.gz") == shelf / "mnist" / "x.gz"


def test_an_absolute_path_and_a_home_are_found(shelf, monkeypatch):
    (shelf / "x").touch()
    monkeypatch.setenv("HOME", str(shelf))
    assert find_file(str(shelf / "x")) == find_file("~/x") == shelf / "x"


def test_a_file_in_neither_place_is_told_with_both(shelf):
    with pytest.raises(DataError, match=rf"no data file at x\.npy and {shelf}/x\.npy"):
        find_file("x.npy")


def test_a_folder_is_no_data_file(shelf):
    with pytest.raises(DataError, match="mnist is a folder"):
        find_file("mnist")


def test_without_a_data_folder_only_the_path_is_named(shelf, monkeypatch):
    monkeypatch.delenv("GENPROBE_DATA_DIR")
    with pytest.raises(DataError, match=r"at x\.npy\."):
        find_file("x.npy")
