from collections import UserDict, namedtuple

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from genprobe.datasets.items import as_input, as_tensor, split_item, stack_column
from genprobe.errors import DataError

Sample = namedtuple("Sample", ["image", "label"])
Other = namedtuple("Other", ["wave", "label"])
X = torch.ones(2)


@pytest.mark.parametrize(
    ("item", "rest"),
    [
        (X, {}),
        ((X,), {}),
        ((X, 1), {"y": 1}),
        ([X, 1, "a", 2.0], {"y": 1, "item2": "a", "item3": 2.0}),
        (((X, 1), 2), {"x.y": 1, "y": 2}),
        ((X, {"label": 1, "id": "a"}), {"label": 1, "id": "a"}),
        (({"image": X, "mask": 0}, 1), {"mask": 0, "y": 1}),
        ({"image": X, "label": 1}, {"label": 1}),
        ({"label": 1, "x": X, "image": 3}, {"label": 1, "image": 3}),
        (UserDict(input_ids=X, attention_mask=2), {"attention_mask": 2}),
        ({"image": (X, 5), "label": 1}, {"y": 5, "label": 1}),
        ({"features": X}, {}),
        (Sample(image=X, label=1), {"label": 1}),
        (Other(X, 1), {"y": 1}),
    ],
)
def test_an_item_is_an_input_and_what_is_beside_it(item, rest):
    x, found = split_item(item)
    assert x is X
    assert found == rest


def test_a_list_of_numbers_is_an_input_and_a_tuple_of_numbers_a_pair():
    assert split_item([1.0, 2.0]) == ([1.0, 2.0], {})
    assert split_item([[1, 2], [3, 4]]) == ([[1, 2], [3, 4]], {})
    assert split_item((1.0, 2.0)) == (1.0, {"y": 2.0})
    assert split_item([[1.0, 2.0], 3]) == ([1.0, 2.0], {"y": 3})


def test_the_keys_that_there_are_are_listed():
    with pytest.raises(
        DataError, match=r"are wave, label\.\n.*--input-key KEY \(input_key="
    ) as told:
        split_item({"wave": X, "label": 1})
    assert len(str(told.value).splitlines()) == 2


@pytest.mark.parametrize(
    "value",
    [
        1,
        0.5,
        True,
        np.float32(1.5),
        np.uint8(3),
        np.ones((2, 3), np.int16),
        np.ones((2, 3), ">f4")[::-1],
        torch.ones(2, dtype=torch.bfloat16),
        torch.ones(2, requires_grad=True),
    ],
)
def test_values_are_what_the_default_collate_function_makes_of_them(value):
    native = value.astype(value.dtype.newbyteorder("=")) if isinstance(value, np.ndarray) else value
    truth = default_collate([native, native])[0]
    found = as_tensor(value)
    assert found.dtype == truth.dtype
    assert torch.equal(found, truth.detach())


def test_a_tensor_of_an_array_is_a_copy():
    array = np.zeros(3, np.float32)
    as_tensor(array).add_(1)
    assert not array.any()


@pytest.mark.parametrize("value", ["a", None, object(), [[1], [2, 3]], np.array(["a"]), {"a": 1}])
def test_what_is_no_number_is_told(value):
    with pytest.raises(DataError, match="An item of the data set is a "):
        as_tensor(value)


def test_inputs_are_floating_point_or_bytes():
    assert as_input([1, 2]).dtype == torch.float32
    assert as_input(np.ones(2, np.uint16)).dtype == torch.float32
    assert as_input(torch.ones(2, dtype=torch.float16)).dtype == torch.float32
    assert as_input(np.ones(2)).dtype == torch.float64
    assert as_input(np.ones(2, np.uint8)).dtype == torch.uint8


def test_a_covariate_of_several_examples():
    assert stack_column([np.uint8(3), np.uint8(4)]).dtype == torch.int64
    assert stack_column([True, False]).dtype == torch.bool
    assert stack_column(["a", "bc"]).tolist() == ["a", "bc"]
    assert stack_column([[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert stack_column([[1], [3, 4]]) is None
    assert stack_column([None, 1]) is None
    assert stack_column(["a", 1]) is None
