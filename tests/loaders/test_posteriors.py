import logging
import os
import pickle

import h5py
import numpy as np
import pytest
import torch

import genprobe
from genprobe.errors import ModelError
from genprobe.loaders.posteriors import load_posteriors, posteriors, recognises
from genprobe.loaders.recorded import from_posteriors
from genprobe.testing import LoaderTests

N, K = 20, 3
RANDOM = np.random.default_rng(0)
LOC = RANDOM.normal(size=(N, K)).astype(np.float32)
SCALE = RANDOM.uniform(0.1, 1, (N, K)).astype(np.float32)
DISTORTION = RANDOM.normal(size=N)


def write_npz(path, **arrays):
    np.savez(path, **arrays)


def write_h5(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values


def write_r(path, **arrays):
    """As rhdf5 does: axes reversed, strings as arrays of one fixed-length string."""
    with h5py.File(path, "w") as file:
        for name, values in {**arrays, "order": "R"}.items():
            text = isinstance(values, str)
            file[name] = np.array([values.encode()]) if text else np.asarray(values).T


WRITERS = {"p.npz": write_npz, "p.h5": write_h5, "p.hdf5": write_r}


@pytest.fixture(params=WRITERS)
def save(request, tmp_path):
    path = tmp_path / request.param

    def save(**arrays):
        WRITERS[request.param](path, **arrays)
        return path

    return save


def test_a_file_gives_back_every_array(save):
    path = save(loc=LOC, scale=SCALE, distortion=DISTORTION)
    assert recognises(path)
    record = load_posteriors(path, False).recorded
    for start, stop in [(0, 8), (8, N)]:
        found = record.params(start, stop)
        assert np.array_equal(found["loc"], LOC[start:stop])
        assert np.array_equal(found["scale"], SCALE[start:stop])
        assert np.array_equal(record.distortion(start, stop), DISTORTION[None, start:stop])
    assert (record.n, record.distortion_draws) == (N, 1)


def test_what_a_file_does_not_say_has_its_default(save):
    model = load_posteriors(save(loc=LOC, scale=SCALE), True)
    assert (model.name, model.posterior, model.prior) == ("p", "diagonal-normal", "standard-normal")
    record = model.recorded
    assert record.distortion is record.likelihood is record.dataset is record.event_shape is None


VARIANCES = SCALE.astype(np.float64) ** 2
NAMES = {
    "mean and logvar": {"mean": LOC, "logvar": np.log(VARIANCES)},
    "mu and log_var": {"mu": LOC, "log_var": np.log(VARIANCES)},
    "mean and var": {"mean": LOC, "var": VARIANCES},
    "loc and std": {"loc": LOC, "std": SCALE},
    "mu and sigma": {"mu": LOC, "sigma": SCALE},
    "mean and log_std": {"mean": LOC, "log_std": np.log(VARIANCES) / 2},
}


@pytest.mark.parametrize("arrays", NAMES.values(), ids=NAMES)
def test_usual_names_are_understood_and_said_once(save, arrays, caplog):
    caplog.set_level(logging.INFO, "genprobe")
    report = genprobe.evaluate(save(**arrays), dtype="float64", device="cpu")
    rate = (LOC.astype(np.float64) ** 2 + VARIANCES - 1 - np.log(VARIANCES)).sum(1).mean() / 2
    assert report["rate"].value == pytest.approx(rate, rel=1e-6)
    [said] = [r.getMessage() for r in caplog.records if "read" in r.getMessage()]
    assert said.startswith("p: read ")
    for name in arrays.keys() - {"loc"}:
        meant = "loc" if name in ("mean", "mu") else "scale (the standard deviation)"
        assert f"{name} as {meant}" in said
    assert (
        report["rate"].value == genprobe.evaluate_posteriors(arrays, dtype="float64")["rate"].value
    )


def test_standard_names_need_no_word(save, caplog):
    caplog.set_level(logging.INFO, "genprobe")
    genprobe.evaluate(save(loc=LOC, scale=SCALE))
    assert not caplog.records


def test_two_names_of_one_parameter_are_refused(save):
    with pytest.raises(ModelError, match=r"p gives both \w+ and \w+, which are one parameter"):
        genprobe.evaluate(save(loc=LOC, mean=LOC, scale=SCALE))


def test_a_family_that_is_named_afterwards_decides_what_names_mean(save):
    with pytest.raises(ModelError, match="family laplace needs loc, scale"):
        genprobe.evaluate(save(mean=LOC, std=SCALE), family="laplace")


def test_a_file_names_its_parts(save):
    path = save(
        loc=LOC,
        scale=SCALE,
        family="laplace",
        prior="diagonal-normal",
        likelihood="bernoulli",
        name="mine",
        dataset="mnist",
        event_shape=np.array([28, 28]),
        **{"prior_params/loc": np.arange(K) / 2, "prior_params/scale": np.array(2.0)},
    )
    model = load_posteriors(path, False)
    assert (model.name, model.posterior, model.prior.name) == ("mine", "laplace", "diagonal-normal")
    assert model.recorded.likelihood == "bernoulli"
    assert (model.recorded.dataset, model.recorded.event_shape) == ("mnist", (28, 28))
    assert torch.equal(model.prior.params["loc"], torch.tensor([0, 0.5, 1]).double())
    assert torch.equal(model.prior.params["scale"], torch.tensor(2.0).double())
    assert model.recorded.params(0, 1).keys() == {"loc", "scale"}


def test_draws_of_the_distortion_come_first(save):
    draws = RANDOM.normal(size=(4, N))
    record = load_posteriors(save(loc=LOC, scale=SCALE, distortion=draws), False).recorded
    assert record.distortion_draws == 4
    assert np.array_equal(record.distortion(5, 9), draws[:, 5:9])
    assert record.distortion(5, 9).dtype == torch.float64


def test_memory_and_every_file_have_one_fingerprint(save):
    path = save(loc=LOC, scale=SCALE, distortion=DISTORTION)
    here = from_posteriors(
        {"scale": torch.from_numpy(SCALE), "loc": LOC}, distortion=torch.from_numpy(DISTORTION)
    )
    assert load_posteriors(path, False).recorded.fingerprint == here.recorded.fingerprint
    other = from_posteriors({"loc": LOC, "scale": SCALE}, distortion=DISTORTION + 1)
    assert here.recorded.fingerprint != other.recorded.fingerprint


def test_attributes_of_an_h5_file_may_name_the_parts(tmp_path):
    write_h5(tmp_path / "p.h5", loc=LOC, scale=SCALE)
    with h5py.File(tmp_path / "p.h5", "a") as file:
        file.attrs["family"], file.attrs["made_by"] = "laplace", "keras"
    assert load_posteriors(tmp_path / "p.h5", False).posterior == "laplace"


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"family": np.array(3)}, "The family of .* is not a string"),
        ({"family": np.array(["a", "b"])}, "The family of .* is not a string"),
        ({"event_shape": np.array([2.5])}, "event_shape of .* is not a list of positive"),
        ({"order": "F"}, "The order of .* is 'F'"),
    ],
)
def test_settings_that_make_no_sense_are_named(tmp_path, arrays, words):
    write_npz(tmp_path / "p.npz", loc=LOC, scale=SCALE, **arrays)
    with pytest.raises(ModelError, match=words):
        load_posteriors(tmp_path / "p.npz", False)


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("key", ["loc", "family", "distortion"])
def test_a_pickle_in_an_archive_is_refused_and_does_not_run(tmp_path, key):
    ran = tmp_path / "ran"
    arrays = {"loc": LOC, "scale": SCALE, key: np.array([Payload(ran)] * N, object)}
    write_npz(tmp_path / "p.npz", **arrays)
    assert recognises(tmp_path / "p.npz")
    with pytest.raises(ModelError, match=f"Python objects as {key}, which would be unpickled"):
        load_posteriors(tmp_path / "p.npz", True)
    assert not ran.exists()
    with pytest.raises(FileExistsError):  # the payload works: unpickled, it makes the folder
        [pickle.loads(pickle.dumps(Payload(ran))) for _ in range(2)]


def test_reversed_axes_are_told_by_the_distortion(tmp_path):
    write_h5(tmp_path / "p.h5", loc=LOC.T, scale=SCALE.T, distortion=DISTORTION)
    with pytest.raises(ModelError, match="are reversed, as R writes them") as error:
        load_posteriors(tmp_path / "p.h5", False)
    assert 'order with the value "R"' in error.value.remedy


def test_fewer_examples_than_values_are_not_guessed_at(tmp_path):
    write_h5(tmp_path / "p.h5", loc=LOC.T, scale=SCALE.T)
    with pytest.raises(ModelError, match="of 3 examples with 20 values each, or its axes are rev"):
        load_posteriors(tmp_path / "p.h5", False)
    write_h5(tmp_path / "p.h5", loc=LOC.T, scale=SCALE.T, order="C")
    assert load_posteriors(tmp_path / "p.h5", False).recorded.n == K
    write_h5(tmp_path / "p.h5", loc=LOC.T, scale=SCALE.T, distortion=DISTORTION[:K])
    assert load_posteriors(tmp_path / "p.h5", False).recorded.n == K


def test_a_store_is_no_model(tmp_path):
    write_h5(tmp_path / "s.h5", loc=LOC)
    with h5py.File(tmp_path / "s.h5", "a") as file:
        file.attrs["header"] = "{}"
    assert recognises(tmp_path / "s.h5")
    with pytest.raises(ModelError, match="is a store, not a model") as error:
        load_posteriors(tmp_path / "s.h5", False)
    assert "genprobe show" in error.value.remedy


@pytest.mark.parametrize("name", ["p.npz", "p.h5"])
@pytest.mark.parametrize("keep", [0.5, 0.95])
def test_a_damaged_file_is_told_as_one(tmp_path, name, keep):
    path = tmp_path / name
    WRITERS[name](path, loc=np.zeros((5000, 4)), scale=np.ones((5000, 4)))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(ModelError, match="does not read as a file of posteriors"):
        load_posteriors(path, False)


def test_flipped_bytes_are_told(tmp_path):
    path = tmp_path / "p.npz"
    write_npz(path, loc=LOC, scale=SCALE)
    content = bytearray(path.read_bytes())
    content[300] ^= 255
    path.write_bytes(content)
    with pytest.raises(ModelError, match="does not read as a file of posteriors: Bad CRC-32"):
        load_posteriors(path, False)


def test_other_files_are_not_claimed(tmp_path):
    (tmp_path / "text.npz").write_text("loc")
    with h5py.File(tmp_path / "keras.h5", "w") as file:
        file["layer/kernel"] = LOC
    np.savez(tmp_path / "p.npz", loc=LOC)
    (tmp_path / "p.npz").rename(tmp_path / "p.pt")
    (tmp_path / "folder.npz").mkdir()
    for name in ("text.npz", "keras.h5", "p.pt", "folder.npz", "absent.npz"):
        assert not posteriors.recognises(tmp_path / name)


class TestNpz(LoaderTests):
    part = posteriors
    data = torch.zeros(N, 4)

    def write(self, folder):
        write_npz(folder / "p.npz", loc=LOC, scale=SCALE, distortion=DISTORTION)
        return folder / "p.npz"


class TestH5(LoaderTests):
    part = posteriors
    data = torch.zeros(N, 4)

    def write(self, folder):
        write_r(folder / "p.h5", loc=LOC, scale=SCALE, distortion=DISTORTION)
        return folder / "p.h5"


@pytest.mark.parametrize("dtype", [np.uint8, np.int64])
def test_a_file_of_whole_numbers_is_the_index_of_codes(tmp_path, dtype, caplog):
    index = RANDOM.integers(0, 7, (N, 2, 2)).astype(dtype)
    np.save(tmp_path / "codes.npy", index)
    assert recognises(tmp_path / "codes.npy")
    model = load_posteriors(tmp_path / "codes.npy", False)
    assert (model.posterior, model.prior) == ("codes", "uniform-categorical")
    found = model.recorded.params(3, 8)
    assert torch.equal(found["index"], torch.from_numpy(index[3:8].astype(np.float64)))
    assert found["classes"].tolist() == [index.max() + 1] * 5
    assert "does not say how many classes" in caplog.text


def test_a_file_of_other_numbers_is_not(tmp_path):
    np.save(tmp_path / "x.npy", LOC)
    assert not recognises(tmp_path / "x.npy")
    with pytest.raises(ModelError, match="not the index of codes"):
        load_posteriors(tmp_path / "x.npy", False)


def test_an_archive_names_the_index_and_one_number_of_classes(save, caplog):
    index = RANDOM.integers(0, 7, (N, 9))
    model = load_posteriors(save(index=index, classes=9, family="residual-codes"), False)
    assert (model.posterior, model.prior) == ("residual-codes", "uniform-categorical")
    assert model.recorded.params(0, 2)["classes"].tolist() == [9.0, 9.0]
    assert not caplog.text
