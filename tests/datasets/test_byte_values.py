from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import genprobe
from genprobe.datasets.row_hashes import data_fingerprint
from genprobe.datasets.subset import subset
from genprobe.errors import DataError, UsageError
from genprobe.plugins import plugins

GREY = np.random.default_rng(0).integers(0, 256, (40, 5), dtype=np.uint8)
BITS = GREY % 2
COUNTS = GREY % 7
WHOLE = {
    "poisson",
    "negative-binomial",
    "zero-inflated-poisson",
    "zero-inflated-negative-binomial",
    "multinomial",
    "categorical",
}


def written_idx(values, folder):
    header = bytes([0, 0, 8, 2]) + np.array(values.shape, ">u4").tobytes()
    (folder / "a.idx").write_bytes(header + values.tobytes())
    return folder / "a.idx"


def written_h5(values, folder):
    with h5py.File(folder / "a.h5", "w") as file:
        file["x"] = values
    return folder / "a.h5"


def written_npy(values, folder):
    np.save(folder / "a.npy", values)
    return folder / "a.npy"


def written_npz(values, folder):
    np.savez(folder / "a.npz", x=values)
    return folder / "a.npz"


def written_pt(values, folder):
    torch.save(torch.from_numpy(values), folder / "a.pt")
    return folder / "a.pt"


SOURCES = {
    "array": lambda values, folder: values,
    "tensor": lambda values, folder: torch.from_numpy(values),
    "sparse": lambda values, folder: torch.from_numpy(values).to_sparse(),
    "mapping": lambda values, folder: {"x": values},
    "dataset": lambda values, folder: TensorDataset(torch.from_numpy(values)),
    "items": lambda values, folder: [{"image": row} for row in values],
    "loader": lambda values, folder: DataLoader(TensorDataset(torch.from_numpy(values))),
    "collate": lambda values, folder: DataLoader(
        TensorDataset(torch.from_numpy(values)),
        batch_size=3,
        collate_fn=lambda items: torch.stack([x for (x,) in items]),
    ),
    "npy": written_npy,
    "npz": written_npz,
    "h5": written_h5,
    "pt": written_pt,
    "idx": written_idx,
}


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize(
    ("values", "likelihood", "mode", "divisor"),
    [
        (GREY, None, None, 255),
        (GREY, "bernoulli", None, 255),
        (COUNTS, "normal", None, 255),
        (BITS, None, None, 1),
        (BITS, "bernoulli", None, 1),
        (COUNTS, "poisson", None, 1),
        (BITS, "poisson", None, 1),
        (COUNTS, "normal", "counts", 1),
        (BITS, "bernoulli", "pixels", 255),
        (COUNTS, "poisson", "pixels", 255),
    ],
)
def test_one_rule_for_all_that_holds_bytes(kind, values, likelihood, mode, divisor, tmp_path):
    source = SOURCES[kind](values, tmp_path)
    found = genprobe.open_dataset(source, bytes=mode, likelihood=likelihood).read(0, len(values))
    truth = torch.from_numpy(values.astype(np.float32) / np.float32(divisor))
    torch.testing.assert_close(found, truth, rtol=0, atol=1e-7)


def test_the_likelihoods_of_whole_numbers_and_no_others_take_bytes_as_counts():
    known = plugins().all("likelihoods")
    counted = {
        name
        for name, likelihood in known.items()
        if float(genprobe.open_dataset(GREY, likelihood=likelihood).read(0, 40).max()) > 1
    }
    assert counted == WHOLE
    assert counted < set(known)


@pytest.mark.parametrize("first", [None, "bernoulli", "poisson"])
@pytest.mark.parametrize("second", ["normal", "categorical"])
def test_a_data_set_that_is_open_is_resolved_again_for_each_model(first, second):
    opened = genprobe.open_dataset(GREY, likelihood=first)
    found = genprobe.open_dataset(opened, likelihood=second)
    divisor = 1 if second == "categorical" or first == "poisson" else 255
    assert torch.equal(found.read(0, 40), torch.from_numpy(GREY).float() / divisor)


def test_what_was_said_stays():
    opened = genprobe.open_dataset(COUNTS, bytes="pixels")
    found = genprobe.open_dataset(opened, likelihood="poisson")
    assert float(found.read(0, 40).max()) < 1
    with pytest.raises(DataError, match="holds no bytes"):
        genprobe.open_dataset(opened, bytes="counts")


def test_the_fingerprint_tells_counts_from_pixels_and_the_same_from_nothing():
    def of(values, **options):
        return data_fingerprint(genprobe.open_dataset(values, **options))

    assert of(GREY) == of(GREY, bytes="pixels") == of(GREY, likelihood="normal")
    assert of(GREY, bytes="counts") == of(GREY, likelihood="poisson") != of(GREY)
    assert of(BITS) == of(BITS, bytes="counts") != of(BITS, bytes="pixels")


def test_binary_data_are_pixels_under_any_likelihood():
    found = genprobe.open_dataset(GREY, binarize="threshold", likelihood="categorical")
    assert torch.equal(found.read(0, 40), torch.from_numpy(GREY > 127.5).float())
    assert genprobe.open_dataset(found, likelihood="poisson").read(0, 40).max() == 1


def test_a_subset_is_resolved_as_the_whole_is():
    whole = genprobe.open_dataset(COUNTS)
    some = subset(whole, 10)
    rows = (some.read(0, 10) * 255).round()
    assert torch.equal(genprobe.open_dataset(some, likelihood="poisson").read(0, 10), rows)


@pytest.mark.parametrize(
    ("values", "options", "words"),
    [
        (GREY, {}, "they are pixels (divided by 255), which is the rule for bytes. --bytes counts"),
        (BITS, {}, "they are counts (taken as they are), since all are 0 or 1. --bytes pixels"),
        (GREY, {"likelihood": "poisson"}, "counts (taken as they are), for poisson. --bytes"),
        (BITS, {"bytes": "pixels"}, "pixels (divided by 255), as was asked."),
    ],
)
def test_the_log_says_how_bytes_are_read(caplog, values, options, words):
    caplog.set_level("INFO", "genprobe")
    genprobe.open_dataset(values, **options)
    assert [words in record.message for record in caplog.records] == [True]


def test_bytes_that_hardly_are_grey_are_remarked_on(caplog):
    genprobe.open_dataset(COUNTS, likelihood="normal")
    assert "The largest byte in the first 40 examples of array is 6" in caplog.text
    caplog.clear()
    genprobe.open_dataset(GREY, likelihood="normal")
    genprobe.open_dataset(COUNTS, likelihood="poisson")
    genprobe.open_dataset(COUNTS, bytes="pixels")
    assert not [r for r in caplog.records if r.levelname == "WARNING"]


def test_a_likelihood_that_fails_says_nothing_about_bytes():
    def broken(x):
        raise RuntimeError("shape")

    mine = replace(plugins().get("likelihoods", "normal"), support=broken)
    assert genprobe.open_dataset(GREY, likelihood=mine).read(0, 40).max() <= 1


def test_a_choice_that_makes_no_sense_is_told():
    with pytest.raises(UsageError, match="pixels or counts, not as 'grey'"):
        genprobe.open_dataset(GREY, bytes="grey")
    with pytest.raises(DataError, match=r"holds no bytes .*\n.*--bytes counts"):
        genprobe.open_dataset(GREY.astype(np.float32), bytes="counts")
