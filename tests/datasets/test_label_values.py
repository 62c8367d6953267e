import numpy as np
import pandas as pd
import pytest
import torch

from genprobe.datasets.label_values import as_label, of_some
from genprobe.errors import DataError
from genprobe.types.label import Label

N = 60
POSITION = np.arange(N) % 3
KNOWN = POSITION != 1
TEXT = np.array(["b", "c", "a"])[POSITION]


WHOLE = {
    "int64": POSITION,
    "uint8": POSITION.astype(np.uint8),
    "uint64": POSITION.astype(np.uint64),
    "float32": POSITION.astype(np.float32),
    "big-endian": POSITION.astype(">i2"),
    "column": POSITION[:, None],
    "tensor": torch.from_numpy(POSITION),
    "half": torch.from_numpy(POSITION).to(torch.bfloat16),
    "list": POSITION.tolist(),
    "pandas": pd.Series(POSITION, index=range(5, N + 5)),
    "categorical": pd.Series(POSITION).astype("category"),
    "half floats": POSITION.astype(np.float16),
    "masked of none": np.ma.masked_array(POSITION, False),
    "label": Label(name="other", values=POSITION, classes=("0", "1", "2")),
}


@pytest.mark.parametrize("values", WHOLE.values(), ids=WHOLE)
def test_whole_numbers_are_classes_in_their_order(values):
    label = as_label("y", values, N)
    assert (label.name, label.classes) == ("y", ("0", "1", "2"))
    assert label.values.dtype == np.int64
    np.testing.assert_array_equal(label.values, POSITION)


def test_classes_of_numbers_are_in_the_order_of_numbers_and_named_as_such():
    assert as_label("y", POSITION * 5, N).classes == ("0", "5", "10")
    huge = POSITION.astype(np.uint64) + np.uint64(2**63)
    assert as_label("y", huge, N).classes[0] == str(2**63)
    assert as_label("y", POSITION.astype(bool), N).classes == ("False", "True")
    assert as_label("y", (POSITION / 10).astype(np.float32), N).classes == ("0.0", "0.1", "0.2")


TEXTS = {
    "text": TEXT,
    "bytes": TEXT.astype("S"),
    "list": TEXT.tolist(),
    "blanks around": [f"{' ' * (i % 2)}{value} " for i, value in enumerate(TEXT)],
    "objects": TEXT.astype(object),
    "pandas": pd.Series(TEXT, dtype="string"),
    "categorical": pd.Series(pd.Categorical(TEXT, categories=["c", "a", "b", "never"])),
}


@pytest.mark.parametrize("values", TEXTS.values(), ids=TEXTS)
def test_text_is_sorted(values):
    label = as_label("y", values, N)
    assert label.classes == ("a", "b", "c")
    assert np.array(label.classes)[label.values].tolist() == TEXT.tolist()


def with_gaps(gap, values=TEXT):
    return [value if known else gap for value, known in zip(values.tolist(), KNOWN, strict=True)]


MISSING = {
    "None": with_gaps(None),
    "NaN among text": with_gaps(float("nan")),
    "empty": np.array(with_gaps("")),
    "blank": with_gaps(" "),
    "nan as text": with_gaps("nan"),
    "pandas NA": pd.Series(with_gaps(pd.NA), dtype="string"),
    "category": pd.Series(pd.Categorical(TEXT, categories=["b", "a"])),
    "NaN": np.where(KNOWN, POSITION, np.nan),
    "tensor of NaN": torch.where(torch.from_numpy(KNOWN), torch.from_numpy(POSITION), torch.nan),
    "None among numbers": with_gaps(None, POSITION),
    "None among truths": with_gaps(None, POSITION == 0),
    "Int64": pd.array(with_gaps(None, POSITION), dtype="Int64"),
    "masked": np.ma.masked_array(POSITION, ~KNOWN),
}


@pytest.mark.parametrize("values", MISSING.values(), ids=MISSING)
def test_missing_values_are_none_whatever_says_so(values):
    label = as_label("y", values, N)
    np.testing.assert_array_equal(label.values == -1, ~KNOWN)
    assert len(label.classes) == 2


def test_minus_one_is_no_class_beside_three_and_is_one_beside_fewer():
    codes = np.arange(N) % 4 - 1
    label = as_label("y", codes, N)
    assert label.classes == ("0", "1", "2")
    np.testing.assert_array_equal(label.values, codes)
    assert as_label("y", POSITION - 1, N).classes == ("-1", "0", "1")
    assert as_label("y", codes - 1, N).classes == ("-2", "-1", "0", "1")


CHANCE = np.random.default_rng(0)
REFUSED = {
    "continuous: 60 values of 60": CHANCE.normal(size=N),
    "numpy.nanquantile": CHANCE.normal(size=N),
    "60 classes on 60 examples": np.arange(N),
    "Merge the rare": [f"cell {i}" for i in range(N)],
    "only the class 7": np.full(N, 7),
    "no value but missing": [None] * N,
    r"shape \(60, 3\)": np.eye(3)[POSITION],
    "argmax": np.eye(3)[POSITION],
    "infinite": np.where(KNOWN, POSITION, np.inf),
    "complex": POSITION + 1j,
    "datetime": np.datetime64("2020-01-01") + POSITION,
    "several kinds": ["a", 1] * 30,
    "Evaluate more": [0, 1, *[None] * (N - 2)],
    "59 values; the data have 60": POSITION[1:],
    "first row of a table names": POSITION[1:],
    "is a int": 5,
}


def test_classes_may_be_what_pandas_cuts_numbers_into():
    cut = pd.cut(np.where(KNOWN, POSITION, np.nan), 3)
    label = as_label("y", cut, N)
    assert label.classes == ("(-0.002, 0.667]", "(1.333, 2.0]")
    np.testing.assert_array_equal(label.values == -1, ~KNOWN)


@pytest.mark.parametrize("words", REFUSED)
def test_what_is_no_label_is_refused_with_the_reason(words):
    with pytest.raises(DataError, match=words):
        as_label("y", REFUSED[words], N)


def test_of_some_examples_only_their_classes_are_left():
    label = as_label("y", np.where(np.arange(N) < 30, np.arange(N) % 2, 2 + np.arange(N) % 2), N)
    some = of_some(label, np.arange(30, 60))
    assert some.classes == ("2", "3")
    np.testing.assert_array_equal(some.values, np.arange(30) % 2)
    with pytest.raises(DataError, match="only the class 2"):
        of_some(label, np.arange(30, 60, 2))
    gaps = as_label("y", with_gaps(None), N)
    np.testing.assert_array_equal(of_some(gaps, np.arange(30)).values == -1, ~KNOWN[:30])
