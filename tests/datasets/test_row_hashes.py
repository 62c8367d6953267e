import numpy as np
import pytest
import torch
import xxhash

from genprobe.datasets.from_array import array_dataset
from genprobe.datasets.placeholder import placeholder_dataset
from genprobe.datasets.row_hashes import (
    context_hashes,
    data_fingerprint,
    fingerprint_of,
    row_hashes,
)

X = torch.randn(7, 2, 3, generator=torch.Generator().manual_seed(0))


def one_by_one(rows):
    """The same from the library's own hexadecimal digests."""
    digests = [xxhash.xxh3_128_hexdigest(row.tobytes()) for row in rows]
    halves = [[int(d[:16], 16), int(d[16:], 16)] for d in digests]
    return torch.from_numpy(np.array(halves, np.uint64).view(np.int64))


def test_a_hash_is_the_librarys_of_the_float32_values():
    assert torch.equal(row_hashes(X), one_by_one(X.numpy()))


@pytest.mark.parametrize(
    "same",
    [
        X.double(),
        X.reshape(7, 6),
        X.permute(0, 2, 1).contiguous().permute(0, 2, 1),
        X.clone().requires_grad_(),
    ],
    ids=["float64", "another shape", "another layout", "with a gradient"],
)
def test_the_same_values_have_the_same_hash(same):
    assert torch.equal(row_hashes(same), row_hashes(X))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int64, torch.bool, torch.bfloat16])
def test_whole_numbers_have_one_hash_in_every_dtype(dtype):
    bits = (X > 0).to(dtype)
    assert torch.equal(row_hashes(bits), row_hashes(bits.float()))


def test_what_float32_would_lose_is_hashed_in_float64_row_by_row():
    fine = X.double()
    fine[3, 1, 1] += 1e-12
    found = row_hashes(fine)
    assert [bool(v) for v in (found == row_hashes(X)).all(1)] == [i != 3 for i in range(7)]
    assert torch.equal(found[3:4], one_by_one(fine.numpy()[3:4]))


def test_any_change_of_a_value_changes_the_hash_of_its_row_alone():
    for i in range(7):
        other = X.clone()
        other[i, 1, 2] = other[i, 1, 2].nextafter(torch.tensor(9.0))
        assert (row_hashes(other) != row_hashes(X)).any(1).nonzero().flatten().tolist() == [i]


def test_no_row_has_no_hash():
    assert row_hashes(X[:0]).shape == (0, 2)


def test_the_fingerprint_is_of_all_rows_in_their_order():
    whole = fingerprint_of([row_hashes(X)])
    assert whole.startswith("rows:")
    assert fingerprint_of(row_hashes(X[i : i + 1]) for i in range(7)) == whole
    others = [X.flip(0), X[:6], X[[0, 0, 1, 2, 3, 4, 5]]]
    assert len({whole, *(fingerprint_of([row_hashes(x)]) for x in others)}) == 4


def test_a_context_is_hashed_with_all_its_parts_and_the_same_in_every_dtype():
    label, size = torch.arange(5), torch.rand(5, 1)
    context = {"label": label, "size": size}
    found = context_hashes(context)
    assert found.shape == (5, 2)
    assert torch.equal(context_hashes({"size": size.double(), "label": label.int()}), found)
    for name in context:
        other = context | {name: context[name].flip(0)}
        differ = (context_hashes(other) != found).any(1)
        assert differ.tolist() == [True, True, False, True, True]


def test_the_fingerprint_of_a_data_set_is_of_what_it_reads():
    whole = data_fingerprint(array_dataset("a", X))
    assert whole == fingerprint_of([row_hashes(X)])
    assert data_fingerprint(array_dataset("b", X.double().numpy())) == whole


def test_data_that_are_not_at_hand_have_the_fingerprint_that_they_are_given():
    dataset = placeholder_dataset("toy", 7)
    assert data_fingerprint(dataset) == dataset.fingerprint
