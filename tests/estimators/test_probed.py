import pytest
import torch

import genprobe
from genprobe.errors import UnavailableError
from genprobe.estimators.probed import probed_column

N = 40


@pytest.fixture
def store(tmp_path):
    """A store whose slopes can be written over."""
    model = genprobe.Model(
        name="m",
        encode=lambda x: {"loc": x, "scale": torch.full_like(x, 0.5)},
        posterior="diagonal-normal",
        prior="standard-normal",
    )
    genprobe.evaluate(model, torch.randn(N, 2), store=tmp_path / "s.h5", estimators={})
    return genprobe.open_store(tmp_path / "s.h5")


def as_before(file):
    """The column as versions wrote it that took every other example."""
    column = torch.full((1, N), torch.nan, dtype=torch.float64)
    column[:, ::2] = 7.0
    file.create_dataset("probes/rate_slope", data=column.numpy())


def test_it_has_a_value_of_every_example_asked_about(store):
    assert probed_column(store, "rate_slope").shape == (1, len(store.probed()))


def test_a_probe_that_did_not_apply_is_told(store):
    with pytest.raises(UnavailableError, match="no distortion_slope: the probe did not apply"):
        probed_column(store, "distortion_slope")


def test_a_value_that_is_nan_is_counted_and_said(store, edit_store):
    def spoil(file):
        file["subset/rate_slope"][0, [3, 11]] = float("nan")

    store = edit_store(store.path, spoil)
    with pytest.raises(UnavailableError, match=r"NaN at 2 of the 40 .* first of them example 3"):
        probed_column(store, "rate_slope")
    with pytest.raises(UnavailableError, match=r"No rate slope: 2 of 40 are lost\.\nMend them"):
        probed_column(store, "rate_slope", "{lost} of {asked} are lost", "Mend them.")


def test_a_store_of_an_earlier_version_has_gaps_where_it_did_not_ask(store, edit_store):
    def age(file):
        del file["subset"]
        as_before(file)

    store = edit_store(store.path, age)
    assert probed_column(store, "rate_slope").tolist() == [[7.0] * (N // 2)]


def test_what_is_lost_in_such_a_store_is_no_gap(store, edit_store):
    def age(file):
        del file["subset"]
        as_before(file)
        file["probes/rate_slope"][0, 8] = float("nan")

    store = edit_store(store.path, age)
    with pytest.raises(UnavailableError, match=r"NaN at 1 of the 20 .* first of them example 8"):
        probed_column(store, "rate_slope")


def test_two_versions_in_one_store_do_not_mix(store, edit_store):
    store = edit_store(store.path, as_before)
    with pytest.raises(UnavailableError, match="earlier version"):
        probed_column(store, "rate_slope")
