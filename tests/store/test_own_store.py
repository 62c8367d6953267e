"""A store is known by its first bytes, of every version, damaged or not."""

from pathlib import Path

import h5py
import numpy as np
import pytest

import genprobe
from genprobe.errors import StoreError
from genprobe.store.own_store import is_store, require_own_store

ARCHIVES = Path(__file__).parents[1] / "archives"


def test_the_stores_of_every_version_are_known():
    stores = list(ARCHIVES.glob("*/*.h5"))
    assert len(stores) > 20
    assert [path for path in stores if not is_store(path)] == []


def test_a_long_header_hides_nothing(tmp_path):
    model = genprobe.Model(
        name="m",
        encode=lambda x: {"loc": 0 * x, "scale": 1 + 0 * x},
        posterior="diagonal-normal",
        prior="standard-normal",
        training={"notes": "a long story " * 50_000},
    )
    genprobe.evaluate(model, np.zeros((9, 2), "float32"), store=tmp_path / "s.h5", device="cpu")
    assert is_store(tmp_path / "s.h5")


def test_a_damaged_store_may_be_replaced_and_a_strangers_file_may_not(tmp_path):
    damaged = (ARCHIVES / "0.1.2" / "normal.h5").read_bytes()
    (tmp_path / "s.h5").write_bytes(damaged[:5000])
    require_own_store(tmp_path / "s.h5", [], fresh=True)
    with h5py.File(tmp_path / "theirs.h5", "w") as file:
        file.attrs["header"] = "of something else"
    with pytest.raises(StoreError, match="is there and is not a genprobe store"):
        require_own_store(tmp_path / "theirs.h5", [], fresh=True)


def test_an_empty_file_becomes_the_store(tmp_path):
    (tmp_path / "s.h5").touch()
    params = {"loc": np.zeros((20, 2)), "scale": np.ones((20, 2))}
    genprobe.evaluate_posteriors(params, store=tmp_path / "s.h5")
    assert is_store(tmp_path / "s.h5")
