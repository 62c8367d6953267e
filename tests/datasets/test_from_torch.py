from collections import namedtuple

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from genprobe.datasets.from_torch import from_torch
from genprobe.errors import DataError

X = torch.arange(12.0).reshape(6, 2)
Y = torch.tensor([5, 4, 3, 2, 1, 0])
Pair = namedtuple("Pair", ["label", "x"])


class Items(Dataset):
    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class ListLike:
    """As the data sets of Hugging Face: indexed, with a length, and of no class of torch."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


class Stream(IterableDataset):
    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return iter(self.items)


class Counted(Stream):
    def __len__(self):
        return 6


def forever(items):
    while True:
        yield from items


SOURCES = {
    "arrays": TensorDataset(X, Y),
    "tuples": Items(list(zip(X, Y, strict=True))),
    "numpy": Items([(x.numpy(), int(y)) for x, y in zip(X, Y, strict=True)]),
    "lists": Items([[x.tolist(), y] for x, y in zip(X, Y, strict=True)]),
    "named": Items([Pair(x=x, label=y) for x, y in zip(X, Y, strict=True)]),
    "nested": Items([((x, y), "a") for x, y in zip(X, Y, strict=True)]),
    "subset": Subset(TensorDataset(X.flip(0), Y.flip(0)), range(5, -1, -1)),
    "list-like": ListLike([{"image": x.tolist(), "label": y} for x, y in zip(X, Y, strict=True)]),
    "stream": Stream(list(zip(X, Y, strict=True))),
    "stream-of-dicts": Stream([{"label": int(y), "x": x} for x, y in zip(X, Y, strict=True)]),
    "endless": Counted(forever(list(zip(X, Y, strict=True)))),
    **{
        key: Items([{"label": y, key: x} for x, y in zip(X, Y, strict=True)])
        for key in ("x", "image", "img", "data", "pixel_values", "input_ids")
    },
}
NAMES = {"named": "label", "list-like": "label", "stream-of-dicts": "label", "nested": "x.y"}
NAMES |= dict.fromkeys(("x", "image", "img", "data", "pixel_values", "input_ids"), "label")


@pytest.mark.parametrize("kind", SOURCES)
def test_examples_come_by_position_with_what_is_beside_them(kind):
    dataset = from_torch(SOURCES[kind])
    assert (dataset.n, dataset.event_shape) == (6, (2,))
    found = dataset.read(1, 4)
    assert found.dtype == torch.float32 or kind in ("lists", "list-like")
    assert found.tolist() == X[1:4].tolist()
    for start, stop in ((1, 4), (0, 2)):
        label = dataset.covariates(start, stop)[NAMES.get(kind, "y")]
        assert label.dtype == torch.int64
        assert label.tolist() == Y[start:stop].tolist()


@pytest.mark.parametrize("dtype", [torch.int64, torch.float16, torch.bfloat16, torch.bool])
def test_numbers_of_any_dtype_are_floating_point(dtype):
    values = (X % 2).to(dtype)
    assert torch.equal(from_torch(Items(list(values))).read(0, 6), X % 2)


def test_single_numbers_and_float64():
    dataset = from_torch(Items([0.25, 0.5, 1 / 3]))
    assert dataset.event_shape == ()
    assert dataset.read(2, 3).tolist() == [1 / 3]


@pytest.mark.parametrize(
    ("mode", "shape"), [("L", (1, 3, 5)), ("RGB", (3, 3, 5)), ("1", (1, 3, 5)), ("P", (3, 3, 5))]
)
def test_pictures_are_read_as_to_tensor_reads_them(mode, shape):
    random = np.random.default_rng(0)
    pictures = [
        Image.fromarray(random.integers(0, 256, (3, 5, 3), dtype=np.uint8)).convert(mode)
        for _ in range(4)
    ]
    dataset = from_torch(Items([(picture, 7) for picture in pictures]))
    assert dataset.event_shape == shape
    colours = "L" if shape[0] == 1 else "RGB"
    for i, picture in enumerate(pictures):
        found = dataset.read(i, i + 1)[0]
        for (row, column), _ in np.ndenumerate(np.zeros((3, 5))):
            pixel = np.atleast_1d(picture.convert(colours).getpixel((column, row)))
            assert found[:, row, column].tolist() == pytest.approx(pixel / 255)
    assert dataset.covariates(0, 2)["y"].tolist() == [7, 7]


def test_arrays_of_images_get_their_channels_first(caplog):
    caplog.set_level("INFO", "genprobe")
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)
    dataset = from_torch(Items([{"image": image} for image in images]))
    assert dataset.event_shape == (3, 6, 5)
    truth = torch.from_numpy(images.transpose(0, 3, 1, 2) / np.float32(255))
    torch.testing.assert_close(dataset.read(0, 4), truth, rtol=0, atol=1e-7)
    assert "turned to (channel, height, width)" in caplog.text


def test_text_beside_the_examples_is_text_and_what_has_no_shape_is_left_out():
    items = [{"x": X[i], "file": f"{i}.png", "boxes": [[1]] * i, "meta": {"id": i}} for i in (1, 2)]
    found = from_torch(Items(items)).covariates(0, 2)
    assert found["file"].tolist() == ["1.png", "2.png"]
    assert found["id"].tolist() == [1, 2]
    assert found.keys() == {"file", "id"}


def test_items_are_read_once_for_the_examples_and_what_is_beside_them():
    asked = []

    class Asked(Items):
        def __getitem__(self, i):
            asked.append(i)
            return super().__getitem__(i)

    dataset = from_torch(Asked(SOURCES["tuples"].items))
    asked.clear()
    dataset.read(2, 4)
    dataset.covariates(2, 4)
    assert asked == [2, 3]


def test_a_key_can_be_named():
    items = Items([{"wave": x, "image": 0} for x in X])
    dataset = from_torch(items, input_key="wave")
    assert torch.equal(dataset.read(0, 6), X)
    assert dataset.covariates(0, 2)["image"].tolist() == [0, 0]
    with pytest.raises(DataError, match=r"no 'z' among their keys; there are wave, image"):
        from_torch(items, input_key="z")
    with pytest.raises(DataError, match=r"have no keys, so none is 'z'"):
        from_torch(Items(X), input_key="z")


def test_the_name_is_that_of_the_class():
    assert from_torch(Items(X)).name == "Items"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (Items([]), "Items is empty"),
        (Stream([]), "Stream is empty"),
        (TensorDataset(X[:0]), "TensorDataset is empty"),
        (Items(["a"]), "item of the data set is a str"),
        (Items([{"y": X[0], "z": 1}]), r"among their keys; there are y, z\.\n.*--input-key"),
        (Items([()]), "item of the data set is an empty tuple"),
        (Items([[[1, 2], [3]]]), "list of unequal rows"),
        (Items([torch.ones(2) * 1j]), "complex64, not real"),
        (Items([{"x": None, "y": 1}]), "is a NoneType"),
        (Dataset(), "has no length"),
    ],
)
def test_what_cannot_be_read_is_told(source, message):
    with pytest.raises(DataError, match=message):
        from_torch(source)


def test_a_fault_of_an_item_names_it():
    class Broken(Items):
        def __getitem__(self, i):
            if i == 4:
                raise OSError("no such picture")
            return X[i]

    with pytest.raises(DataError, match=r"Broken fails at example 4: OSError: no such picture"):
        from_torch(Broken(X)).read(0, 6)


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        (torch.zeros(3), r"example 2 .*\(3,\)"),
        (torch.zeros(2, dtype=torch.uint8), "example 2 is of torch.uint8 and the first of"),
    ],
)
def test_an_example_unlike_the_first_is_told(odd, message):
    with pytest.raises(DataError, match=message):
        from_torch(Items([torch.zeros(2), torch.zeros(2), odd])).read(0, 3)
    with pytest.raises(DataError, match=r"have the shapes \(2,\), \(3,\)|Some .* are bytes"):
        from_torch(Stream([torch.zeros(2), torch.zeros(2), odd]))
