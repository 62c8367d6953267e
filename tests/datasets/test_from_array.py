import numpy as np
import pytest
import torch

from genprobe.datasets.from_array import array_dataset
from genprobe.errors import DataError

VALUES = np.array([[0, 1, 2], [3, 4, 5], [6, 7, 8], [250, 251, 255]])
DTYPES = ["i1", "i2", "u2", "i4", "u4", "i8", "f2", "f4", "f8", ">f4", ">f8", ">i2", "<f4"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_are_read_as_they_are(dtype):
    values = VALUES[:3].astype(dtype)
    rows = array_dataset("x", values).read(1, 3)
    assert rows.tolist() == [[3, 4, 5], [6, 7, 8]]
    assert rows.dtype == (torch.float64 if dtype.endswith("f8") else torch.float32)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int64])
def test_tensors_are_read_as_they_are(dtype):
    values = torch.tensor([[0.5, 1.0], [2.0, 4.0]]).to(dtype)
    assert array_dataset("x", values).read(0, 2).tolist() == values.tolist()


def test_a_tensor_with_gradient_is_read():
    assert array_dataset("x", torch.ones(2, 1, requires_grad=True)).read(0, 1).tolist() == [[1]]


def test_bytes_are_divided_by_255_and_truth_is_0_or_1():
    bytes_read = array_dataset("x", VALUES[3:].astype("u1")).read(0, 1)
    torch.testing.assert_close(bytes_read, torch.tensor([[250.0, 251.0, 255.0]]) / 255)
    assert array_dataset("x", VALUES[:1] > 0).read(0, 1).tolist() == [[0, 1, 1]]


def test_a_given_scale_divides():
    assert array_dataset("x", VALUES[:2], scale=2.0).read(1, 2).tolist() == [[1.5, 2.0, 2.5]]


def test_reversed_and_strided_arrays_are_read():
    assert array_dataset("x", VALUES[::-1, ::2]).read(0, 1).tolist() == [[250, 255]]


def test_what_is_read_may_be_changed_without_changing_the_array():
    values = np.zeros((2, 2), np.float32)
    array_dataset("x", values).read(0, 2).add_(1)
    assert not values.any()


def test_examples_of_any_shape_and_none():
    assert array_dataset("x", np.zeros((3, 2, 4))).event_shape == (2, 4)
    assert array_dataset("x", np.zeros(3)).event_shape == ()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((0, 3)), r"no examples: its shape is \(0, 3\)"),
        (np.array(1.0), "no examples"),
        (np.array(["a", "b"]), "not real numbers"),
        (np.array([[None, {}]]), "object, not real"),
        (np.array([1 + 2j]), "complex128, not"),
    ],
)
def test_what_holds_no_numbers_is_told(array, message):
    with pytest.raises(DataError, match=message):
        array_dataset("x", array)
