"""Damage to what an HDF5 file says, through h5py: its own checksums are right afterwards."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import h5py
import numpy as np

from fuzz.damage import Damage, Unfit
from fuzz.damage.text import CHANGES, CONTROLS, Change, change_text
from fuzz.outside import Outside

Edit = Callable[[h5py.File, Random, Outside], None]


def on_hdf5(edit: Edit) -> Damage:
    """A damage from an edit of an open file."""

    def damage(path: Path, random: Random, outside: Outside) -> None:
        with h5py.File(path, "r+") as file:
            edit(file, random, outside)

    return damage


def arrays(file: h5py.File) -> list[str]:
    """The paths of all arrays, in order."""
    found: list[str] = []
    file.visititems(lambda name, item: found.append(name) if is_array(item) else None)
    return sorted(found)


def is_array(item: object) -> bool:
    """Whether an object of HDF5 is an array."""
    return isinstance(item, h5py.Dataset)


def any_array(file: h5py.File, random: Random) -> str:
    """The path of an array at random."""
    found = arrays(file)
    if not found:
        raise Unfit
    return random.choice(found)


def everything(file: h5py.File) -> list[str]:
    """The paths of all groups and arrays but the root, in order."""
    found: list[str] = []
    file.visit(found.append)
    return sorted(found)


def renamed(file: h5py.File, random: Random, outside: Outside) -> None:
    """A link has another name."""
    name = random.choice(everything(file))
    other = random.choice([f"{name}x", name[:-1] + "_", f"{name}{CONTROLS[0]}", f"{name}\u202e"])
    file.move(name, other)


def exchanged_links(file: h5py.File, random: Random, outside: Outside) -> None:
    """Two arrays have each other's name."""
    found = arrays(file)
    if len(found) < 2:
        raise Unfit
    first, second = random.sample(found, 2)
    file.move(first, "aside")
    file.move(second, first)
    file.move("aside", second)


def removed(file: h5py.File, random: Random, outside: Outside) -> None:
    """A group or array is not there."""
    del file[random.choice(everything(file))]


def other_kind(file: h5py.File, random: Random, outside: Outside) -> None:
    """A group is an array, an array a group, or either a named type."""
    name = random.choice(everything(file))
    was_array = is_array(file[name])
    del file[name]
    if random.random() < 0.3:
        file[name] = np.dtype("f8")
    elif was_array:
        file.create_group(name)
    else:
        file[name] = np.zeros(3)


def changed_value(file: h5py.File, random: Random, outside: Outside) -> None:
    """One number of an array is another."""
    name = any_array(file, random)
    values = file[name][...]
    if not values.size or values.dtype.kind not in "iuf":
        raise Unfit
    where = np.unravel_index(random.randrange(values.size), values.shape)
    others = [0, 1, 1e9, -1] + ([np.nan, np.inf] if values.dtype.kind == "f" else [])
    values[where] = random.choice(others) if random.random() < 0.5 else values[where] * 1.5 + 1
    file[name][...] = values


def other_array(file: h5py.File, random: Random, outside: Outside) -> None:
    """An array has another shape or another type of numbers."""
    name = any_array(file, random)
    values = file[name][...]
    del file[name]
    file.create_dataset(name, data=reshaped(values, random))


def reshaped(values: np.ndarray, random: Random) -> Any:
    """Values in another shape or of another type."""
    choices: list[Callable[[], Any]] = [
        lambda: values[:-1] if values.ndim else values[None],
        lambda: values[None],
        lambda: values.reshape(-1),
        lambda: np.concatenate([values, values]) if values.ndim else 3,
        lambda: values.astype("f4"),
        lambda: values.astype("i8") if values.dtype.kind in "iuf" else 3,
        lambda: values.astype("c16") if values.dtype.kind in "iuf" else 3,
        lambda: np.full(values.shape, b"text", dtype="S4"),
        lambda: np.zeros(values.shape, dtype=[("a", "f8"), ("b", "i4")]),
        lambda: h5py.Empty("f8"),
        lambda: "text",
    ]
    with np.errstate(all="ignore"):
        return random.choice(choices)()


def without_end(file: h5py.File, random: Random, outside: Outside) -> None:
    """An array says that it is enormous; what is not on disk is filled in."""
    name = any_array(file, random)
    old = file[name]
    shape = [*old.shape] or [1]
    shape[random.randrange(len(shape))] = random.choice([2**31, 2**40, 2**62])
    dtype = old.dtype
    del file[name]
    file.create_dataset(name, shape=shape, dtype=dtype, chunks=tuple(min(s, 16) for s in shape))


def external_link(file: h5py.File, random: Random, outside: Outside) -> None:
    """A link leads to another file."""
    name = random.choice(everything(file))
    with h5py.File(outside.folder.parent / "elsewhere.h5", "w") as other:
        file.copy(file[name], other, "found")
    del file[name]
    file[name] = h5py.ExternalLink(str(outside.folder.parent / "elsewhere.h5"), "/found")


def external_storage(file: h5py.File, random: Random, outside: Outside) -> None:
    """The numbers of an array are the bytes of a file outside."""
    name = any_array(file, random)
    shape, dtype = file[name].shape, file[name].dtype
    del file[name]
    size = h5py.h5f.UNLIMITED
    file.create_dataset(name, shape, dtype, external=[(str(outside.numbers), 0, size)])


def virtual_source(file: h5py.File, random: Random, outside: Outside) -> None:
    """An array is virtual, over a file outside of the store's shards."""
    name = any_array(file, random)
    old = file[name]
    if not old.ndim or not old.size:
        raise Unfit
    values, place = old[...], outside.folder.parent / "elsewhere.h5"
    with h5py.File(place, "w") as other:
        other["found"] = values
    layout = h5py.VirtualLayout(values.shape, values.dtype)
    layout[...] = h5py.VirtualSource(str(place), "found", values.shape, values.dtype)
    del file[name]
    file.create_virtual_dataset(name, layout)


def soft_link(file: h5py.File, random: Random, outside: Outside) -> None:
    """A link leads to another place in the file, to itself or nowhere."""
    name = random.choice(everything(file))
    targets = ["/", f"/{name}", "/nowhere", f"/{random.choice(everything(file))}"]
    del file[name]
    file[name] = h5py.SoftLink(random.choice(targets))


def cycle(file: h5py.File, random: Random, outside: Outside) -> None:
    """A group holds itself."""
    groups = [name for name in everything(file) if not is_array(file[name])]
    if not groups:
        raise Unfit
    name = random.choice(groups)
    file[f"{name}/{random.choice(['again', 'loc', 'x'])}"] = file[random.choice(["/", name])]


def more_names(file: h5py.File, random: Random, outside: Outside) -> None:
    """There is more in the file than should be, of hostile names."""
    name = random.choice([*CONTROLS[:3], "a" * 10_000, "params/more", "probes/more"])
    file[f"{random.choice(['', 'notices/', 'prior/', 'params/'])}{name.replace('.', '_')}"] = 3.0


def attribute(file: h5py.File, random: Random, outside: Outside) -> None:
    """An attribute is gone, or has another value or type."""
    items = [file, *(file[name] for name in everything(file))]
    found = [(item, key) for item in items for key in sorted(item.attrs)]
    if not found:
        raise Unfit
    item, key = random.choice(found)
    del item.attrs[key]
    others = [None, 3, b"\xff\xfe", "text", np.zeros(3), h5py.Empty("f8"), CONTROLS[0], "[]", "{}"]
    value = random.choice(others)
    if value is not None:
        item.attrs[key] = value


def header(change: Change) -> Edit:
    """The JSON in an attribute of the root, changed."""

    def edit(file: h5py.File, random: Random, outside: Outside) -> None:
        texts = [k for k, v in sorted(file.attrs.items()) if isinstance(v, str) and v[:1] in "{["]
        if not texts:
            raise Unfit
        key = random.choice(texts)
        text = change_text(str(file.attrs[key]), change, random, outside)
        if len(text) > 60_000:  # the most that HDF5 keeps as it keeps a header
            text = json.dumps("x" * 50_000)
        file.attrs[key] = text

    return edit


HDF5: dict[str, Damage] = {
    "link-renamed": on_hdf5(renamed),
    "links-exchanged": on_hdf5(exchanged_links),
    "link-removed": on_hdf5(removed),
    "other-kind": on_hdf5(other_kind),
    "value-changed": on_hdf5(changed_value),
    "array-replaced": on_hdf5(other_array),
    "enormous": on_hdf5(without_end),
    "external-link": on_hdf5(external_link),
    "external-storage": on_hdf5(external_storage),
    "virtual-source": on_hdf5(virtual_source),
    "soft-link": on_hdf5(soft_link),
    "cycle": on_hdf5(cycle),
    "more-names": on_hdf5(more_names),
    "attribute": on_hdf5(attribute),
}
HEADER: dict[str, Damage] = {
    f"header-{name}": on_hdf5(header(change)) for name, change in CHANGES.items()
}
"""Of stores, whose root says as JSON what they are."""
