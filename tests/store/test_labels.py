import shutil

import h5py
import numpy as np
import pytest

import genprobe
from genprobe.errors import StoreError
from genprobe.store.labels import StoredLabel, add_labels, read_labels
from genprobe.store.sealed_file import write_sealed
from genprobe.types.label import Label

N = 30
Y = np.arange(N) % 3


def posteriors():
    loc = np.random.default_rng(0).normal(size=(N, 2))
    return {"loc": loc, "scale": np.ones_like(loc)}


def stored(name="digit", values=Y, classes=("0", "1", "2"), leak=False):
    return StoredLabel(label=Label(name=name, values=values, classes=classes), leak=leak)


@pytest.fixture
def store(tmp_path):
    return genprobe.evaluate_posteriors(posteriors(), store=tmp_path / "s.h5").store


def same(found, wanted):
    return list(found) == [each.label.name for each in wanted] and all(
        found[each.label.name].same(each) for each in wanted
    )


def test_labels_come_back_as_they_were_wherever_the_store_goes(store, tmp_path):
    gaps = np.where(Y == 1, -1, Y)
    given = [stored(), stored("a/b ü", gaps, ("x", "", "z"), leak=True)]
    add_labels(store.path, given)
    other = shutil.copy(store.path, tmp_path / "copy.h5")
    for path in (store.path, other):
        assert same(read_labels(genprobe.open_store(path)), given)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["copy.h5", "s.h5", "s.h5.report.json"]


def test_labels_are_added_changed_and_left_as_they_are(store):
    add_labels(store.path, [stored(), stored("batch", Y // 2, ("p", "q"))])
    seal = genprobe.open_store(store.path).seal
    add_labels(store.path, [stored()])
    assert genprobe.open_store(store.path).seal == seal
    add_labels(store.path, [stored("digit", Y[::-1].copy())], leaks=["batch"])
    expected = [stored("digit", Y[::-1]), stored("batch", Y // 2, ("p", "q"), leak=True)]
    assert same(read_labels(genprobe.open_store(store.path)), expected)


def test_nothing_else_changes_and_a_store_that_is_open_stays_readable(store):
    before = {k: store.column(k) for k in ("probes/rate", "draws/z", "draws/log_qz_x")}
    add_labels(store.path, [stored()])
    for opened in (store, genprobe.open_store(store.path)):
        assert opened.header == store.header
        for name, values in before.items():
            np.testing.assert_array_equal(opened.column(name), values)
    add_labels(store.path, [stored("more")])
    assert list(read_labels(store)) == ["digit", "more"]


def test_a_store_that_changed_otherwise_is_still_refused(store):
    add_labels(store.path, [stored()])
    genprobe.evaluate_posteriors(posteriors(), store=store.path, fresh=True, seed=1)
    with pytest.raises(StoreError, match="changed while it was read"):
        store.column("probes/rate")


def test_a_flipped_bit_in_a_label_is_found(store):
    add_labels(store.path, [stored()])
    content = bytearray(store.path.read_bytes())
    content[content.index(b"digit")] ^= 1
    store.path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        genprobe.open_store(store.path)


FAULTS = {
    "classes": lambda values: values.attrs.__setitem__("classes", '["only"]'),
    "json": lambda values: values.attrs.__setitem__("classes", "["),
    "name": lambda values: values.attrs.__delitem__("name"),
    "range": lambda values: values.__setitem__(0, -2),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_label_that_cannot_be_right_is_refused(store, fault):
    add_labels(store.path, [stored()])
    with write_sealed(store.path, like=store.path) as file:
        FAULTS[fault](file["labels/00000"])
    with pytest.raises(StoreError, match="damaged"):
        read_labels(genprobe.open_store(store.path))


@pytest.mark.parametrize("values", [np.zeros(3, np.int64), np.zeros(N), np.array(b"x")])
def test_an_array_that_is_no_label_is_refused(store, values):
    with write_sealed(store.path, like=store.path) as file:
        file["labels/00000"] = values
        file["labels/00000"].attrs.update({"name": "y", "classes": '["a", "b"]'})
    with pytest.raises(StoreError, match="damaged"):
        read_labels(genprobe.open_store(store.path))


def test_what_cannot_be_written_leaves_the_store_as_it_was(store, monkeypatch):
    content = store.path.read_bytes()

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(h5py.Group, "create_dataset", full)
    with pytest.raises(StoreError, match="No space left"):
        add_labels(store.path, [stored()])
    assert store.path.read_bytes() == content
    assert sorted(p.name for p in store.path.parent.iterdir()) == ["s.h5", "s.h5.report.json"]
