"""The UCI optical recognition of handwritten digits: 1797 images of 8 × 8 values 0–16 (CC BY 4.0).

E. Alpaydin and C. Kaynak (1998), https://doi.org/10.24432/C50P49; the 1797 test images. They ship
in the package, scaled to [0, 1] when read.
"""

from importlib.resources import files
from pathlib import Path

import numpy as np

from genprobe.datasets.from_array import array_dataset
from genprobe.errors import DataError
from genprobe.runtime.near_names import hint
from genprobe.types import Dataset, DatasetReader

SPLITS = {"all": slice(None), "train": slice(0, 1437), "test": slice(1437, None)}


def open_digits(spec: str, split: str | None) -> Dataset:
    """The digits: ``all`` 1797 (the default), the ``train`` 1437 or the ``test`` 360.

    Raises:
        DataError: for any other split, or anything after the name.
    """
    if spec:
        raise DataError(f"The data set digits takes nothing after its name, not {spec!r}.")
    if split not in (None, *SPLITS):
        raise DataError(
            f"digits has no split {split!r}.",
            f"{hint(split, SPLITS, 'splits')}Choose one of {', '.join(SPLITS)}.",
        )
    with (files("genprobe.datasets") / "digits.npz").open("rb") as file:
        images = np.load(file, allow_pickle=False)["images"]
    name = "digits" if split in (None, "all") else f"digits-{split}"
    return array_dataset(name, images.reshape(len(images), 64)[SPLITS[split or "all"]], scale=16.0)


def recognises(path: Path) -> bool:
    """False: the digits have a name, not a path."""
    return False


digits = DatasetReader(scheme="digits", recognises=recognises, open=open_digits, named=True)
