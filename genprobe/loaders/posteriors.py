"""Posteriors without a model: arrays of their parameters in an .npz, .h5 or .npy file.

    loc, scale, …       parameters of q(z|x) by the family's names, or others in use, each (n, ...)
    distortion          −log p(x|z) in nats, (n,) or (draws, n); may be absent
    prior_params/NAME   tensors of the prior
    family, prior, likelihood, name, dataset    strings
    event_shape         shape of one example of the data
    order               of an .h5 file: C, or R if its axes are reversed

Everything but the parameters may be absent. A .npy file of whole numbers is the index of codes.
Nothing is unpickled.
"""

import math
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from torch import Tensor

from genprobe.datasets.from_array import MOST_VALUES
from genprobe.datasets.npy import NpyArray
from genprobe.errors import ModelError
from genprobe.loaders.recorded import record, tensor_of
from genprobe.loaders.rows import KIND, REAL, Rows, h5_rows, npz_rows
from genprobe.runtime.checked_zip import checked_zip
from genprobe.runtime.hdf5 import is_hdf5, require_harmless
from genprobe.runtime.hdf5_links import links
from genprobe.runtime.untrusted import reading, require_readable
from genprobe.types import Loader, Model

TEXTS = ("family", "prior", "likelihood", "name", "dataset", "order")
SETTINGS = (*TEXTS, "event_shape")
MOST_AXES = 64
"""That numpy lets an array have."""
PRIOR_PREFIX = "prior_params/"
WHOLE = "iu"
"""Kinds of numpy dtypes that hold whole numbers."""
SUFFIXES = (".npz", ".npy", ".h5", ".hdf5")


def load_posteriors(path: Path, trust: bool) -> Model:
    """The record in an .npz, .npy or .h5 file; its rows stay on disk.

    Args:
        path: of the file.
        trust: not needed; nothing in it can run.

    Raises:
        ModelError: if it does not read, or its arrays do not fit together.
    """
    require_readable(path, "file of posteriors", error=ModelError)
    with reading(path, KIND, error=ModelError):
        arrays, settings = reader_of(path)(path)
    distortion = arrays.pop("distortion", None)
    prior = {
        k.removeprefix(PRIOR_PREFIX): prior_tensor(path, k, arrays.pop(k))
        for k in list(arrays)
        if k.startswith(PRIOR_PREFIX)
    }
    settings.pop("order", None)
    return record(arrays, distortion, prior, **{"name": path.stem, **settings})


def reader_of(path: Path) -> Callable[[Path], tuple[dict[str, Rows], dict[str, Any]]]:
    """What reads arrays and settings of such a file."""
    if is_hdf5(path):
        return read_h5
    return read_npz if zipfile.is_zipfile(path) else read_index


def read_index(path: Path) -> tuple[dict[str, Rows], dict[str, Any]]:
    """The index of codes in a .npy file, which stays open.

    Raises:
        ModelError: if it holds no whole numbers.
    """
    array = NpyArray(path)
    if array.dtype.kind not in WHOLE or not array.ndim:
        raise ModelError(
            f"{path} holds {array.dtype} {array.shape}, not the index of codes.",
            "Save whole numbers, one row an example; other parameters by name in an .npz file.",
        )
    rows = Rows(shape=array.shape, dtype=array.dtype, read=lambda i, j: array[i:j])
    return {"index": rows}, {}


def prior_tensor(path: Path, key: str, rows: Rows) -> Tensor:
    """A tensor of the prior.

    Raises:
        ModelError: if it is not of numbers.
    """
    if rows.dtype.kind not in REAL:
        raise ModelError(f"{path} holds {rows.dtype} as {key}, not real numbers.")
    return tensor_of(rows)


def read_npz(path: Path) -> tuple[dict[str, Rows], dict[str, Any]]:
    """Arrays and settings of an .npz archive, which stays open."""
    with checked_zip(path) as archive:
        names = [member.removesuffix(".npy") for member in archive.namelist()]
    arrays = {name: npz_rows(path, f"{name}.npy") for name in names}
    found = {k: arrays.pop(k) for k in SETTINGS if k in arrays}
    return arrays, settings_of(path, {k: single(k, rows) for k, rows in found.items()})


def read_h5(path: Path) -> tuple[dict[str, Rows], dict[str, Any]]:
    """Arrays and settings of an HDF5 file, which stays open; settings may be root attributes."""
    require_harmless(path, error=ModelError)
    file = h5py.File(path, "r")
    try:
        if "header" in file.attrs:
            raise ModelError(f"{path} is a store, not a model.", f"Print it: genprobe show {path}")
        found = {name: item for name, item in links(file) if is_array(item)}
        given = {k: file.attrs[k] for k in SETTINGS if k in file.attrs}
        given |= {k: single(k, found.pop(k)) for k in SETTINGS if k in found}
        settings = settings_of(path, given)
        if "order" not in settings:
            require_certain_order(path, found)
        reverse = settings.get("order") == "R"
        return {k: h5_rows(dataset, reverse) for k, dataset in found.items()}, settings
    except BaseException:
        file.close()
        raise


def single(key: str, array: Rows | h5py.Dataset) -> Any:
    """A setting: one string, or the few numbers of a shape.

    Raises:
        ValueError: if it is larger.
    """
    if math.prod(array.shape or ()) > MOST_AXES:
        raise ValueError(f"its {key} is an array {array.shape}")
    return array.whole() if isinstance(array, Rows) else array[()]


def is_array(item: object) -> bool:
    """Whether an HDF5 object is an array."""
    return isinstance(item, h5py.Dataset)


def settings_of(path: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Strings and the event shape among some values; whatever else there is is left out.

    Raises:
        ModelError: if one is not what it should be.
    """
    settings: dict[str, Any] = {k: text_of(path, k, values[k]) for k in TEXTS if k in values}
    if "event_shape" in values:
        shape = np.asarray(values["event_shape"])
        whole = shape.dtype.kind in REAL and (shape >= 1).all() and (shape == shape.round()).all()
        sizes = [int(size) for size in shape.flatten()] if whole and shape.size <= MOST_AXES else []
        if math.prod(sizes) > MOST_VALUES or len(sizes) < max(1, shape.size):
            raise ModelError(f"The event_shape of {path} is not a list of positive numbers.")
        settings["event_shape"] = sizes
    if settings.get("order", "C") not in ("C", "R"):
        raise ModelError(
            f"The order of {path} is {settings['order']!r}.",
            "Say R if R wrote it, C if anything else did.",
        )
    return settings


def text_of(path: Path, key: str, value: Any) -> str:
    """A string saved as itself, as bytes, or as an array of one of them.

    Raises:
        ModelError: if it is none of these.
    """
    flat = np.asarray(value).flatten()[:2].tolist()
    text = flat[0].decode() if len(flat) == 1 and isinstance(flat[0], bytes) else (flat or [0])[0]
    if len(flat) != 1 or not isinstance(text, str):
        raise ModelError(f"The {key} of {path} is not a string.", "Save it as one string.")
    return text


def require_certain_order(path: Path, found: Mapping[str, h5py.Dataset]) -> None:
    """Check that the first axis counts the examples beyond doubt: R writes axes in reverse.

    Raises:
        ModelError: if the axes are reversed, or may be.
    """
    given: tuple[int, ...] = found["distortion"].shape if "distortion" in found else ()
    for key, dataset in found.items():
        shape = dataset.shape
        if key == "distortion" or "/" in key or len(shape) < 2:
            continue
        if len(given) == 1 and given[0] in (shape[0], shape[-1]):
            if given[0] == shape[0]:
                continue
            raise ModelError(
                f"The axes of {key} {shape} in {path} are reversed, as R writes them: the "
                f"distortion is of {given[0]} examples.",
                'Add a string order with the value "R" to the file.',
            )
        if shape[0] < shape[-1]:
            raise ModelError(
                f"{key} {shape} in {path} is of {shape[0]} examples with {shape[-1]} values each, "
                "or its axes are reversed, as R writes them.",
                'Add a string order to the file: "R" if R wrote it, else "C".',
            )


def holds_whole_numbers(path: Path) -> bool:
    """Whether a .npy file is of whole numbers, as an index is."""
    try:
        return NpyArray(path).dtype.kind in WHOLE
    except (OSError, ValueError):
        return False


def recognises(path: Path) -> bool:
    """Whether it is an .npz archive, a .npy file of indices, or HDF5 with arrays at its root."""
    if path.suffix not in SUFFIXES or not path.is_file():
        return False
    if path.suffix == ".npy":
        return holds_whole_numbers(path)
    if not is_hdf5(path):
        return path.suffix == ".npz" and zipfile.is_zipfile(path)
    try:
        require_harmless(path)
        with h5py.File(path, "r") as file:
            return "header" in file.attrs or any(map(is_array, file.values()))
    except Exception:
        return True  # damaged: the loader says so


posteriors = Loader(scheme="posteriors", recognises=recognises, load=load_posteriors)
