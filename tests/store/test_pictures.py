import pickle
from types import SimpleNamespace

import numpy as np
import pytest

import genprobe
from genprobe.errors import StoreError
from genprobe.store.pictures import Grid, Pictures, load_pictures, pictures_path, save_pictures


def posteriors(seed=0):
    chance = np.random.default_rng(seed)
    return {"loc": chance.normal(size=(20, 2)), "scale": np.ones((20, 2))}


@pytest.fixture
def store(tmp_path):
    return genprobe.evaluate_posteriors(posteriors(), store=tmp_path / "s.h5", name="one").store


@pytest.fixture
def pictures():
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 5, 1), dtype=np.uint8)
    grid = Grid(images=images, rows=("input", "code 1"), source="standard-normal")
    return Pictures(
        grids={"reconstructions": grid}, absent={"traversals": "No reason."}, examples=(2, 5)
    )


def test_pictures_come_back_as_they_were(store, pictures):
    save_pictures(store, pictures)
    found = load_pictures(store)
    [(name, grid)] = found.grids.items()
    assert name == "reconstructions"
    np.testing.assert_array_equal(grid.images, pictures.grids[name].images)
    assert (grid.rows, grid.source) == (("input", "code 1"), "standard-normal")
    assert found.absent == {"traversals": "No reason."}
    assert found.examples == (2, 5)


def test_the_same_pictures_are_the_same_file_and_nothing_else_is_left(store, pictures):
    save_pictures(store, pictures)
    first = pictures_path(store).read_bytes()
    save_pictures(store, pictures)
    assert pictures_path(store).read_bytes() == first
    assert {p.name for p in store.path.parent.iterdir()} == {
        "s.h5",
        "s.h5.pictures.npz",
        "s.h5.report.json",
    }


def test_a_store_without_pictures_says_how_to_get_them(store):
    with pytest.raises(StoreError, match="has no pictures") as caught:
        load_pictures(store)
    assert "evaluate again" in caught.value.remedy


def test_pictures_of_another_run_are_refused(store, pictures, tmp_path):
    save_pictures(store, pictures)
    other = genprobe.evaluate_posteriors(posteriors(seed=1), store=tmp_path / "t.h5").store
    pictures_path(store).rename(pictures_path(other))
    with pytest.raises(StoreError, match="another run"):
        load_pictures(other)


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-80]),
    "a bit": lambda path: path.write_bytes(flip(path.read_bytes())),
    "no archive": lambda path: path.write_text("pictures"),
    "an array": lambda path: save_as(path, lambda file: np.save(file, np.zeros(3))),
    "pickle": lambda path: path.write_bytes(pickle.dumps(Trap())),
    "objects": lambda path: save_as(path, lambda file: np.savez(file, about=np.array([Trap()]))),
    "no header": lambda path: save_as(path, lambda file: np.savez(file, about=np.array("{}"))),
    "a list": lambda path: save_as(path, lambda file: np.savez(file, about=np.array("[]"))),
}


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


def save_as(path, save):
    with path.open("wb") as file:
        save(file)


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_file_is_told_in_one_way_and_nothing_in_it_runs(store, pictures, damage):
    save_pictures(store, pictures)
    damage(pictures_path(store))
    with pytest.raises(StoreError, match="damaged"):
        load_pictures(store)


def test_a_newer_version_asks_for_a_newer_genprobe(store, pictures, monkeypatch):
    monkeypatch.setattr("genprobe.store.pictures.VERSION", 2)
    save_pictures(store, pictures)
    monkeypatch.setattr("genprobe.store.pictures.VERSION", 1)
    with pytest.raises(StoreError, match="newer"):
        load_pictures(store)


@pytest.mark.parametrize(
    ("dtype", "shape", "rows"),
    [
        ("float32", (2, 3, 4, 5, 1), 2),
        ("uint8", (2, 3, 4, 5), 2),
        ("uint8", (2, 3, 4, 5, 2), 2),
        ("uint8", (2, 0, 4, 5, 1), 2),
        ("uint8", (2, 3, 4, 5, 1), 3),
    ],
)
def test_what_is_no_grid_of_pictures_is_refused(dtype, shape, rows):
    with pytest.raises(ValueError, match="pictures"):
        Grid(images=np.zeros(shape, dtype), rows=("",) * rows)


def test_a_folder_that_cannot_be_written_is_told(pictures, store, tmp_path):
    lost = SimpleNamespace(path=tmp_path / "gone" / "s.h5", header=store.header)
    with pytest.raises(StoreError, match="cannot be written"):
        save_pictures(lost, pictures)
