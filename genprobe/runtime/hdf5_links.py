"""HDF5 files that have everything in themselves, and files that would show what is in others.

A link, a data set stored outside and a virtual one may name any file of the machine, and its bytes
would come out as data.
"""

from collections.abc import Callable, Iterator
from typing import Any

import h5py

from genprobe.errors import GenprobeError
from genprobe.runtime.untrusted import require_backed

SAME_FILE = "."


def nowhere(name: str) -> bool:
    """No other file is allowed."""
    return False


def require_self_contained(file: h5py.File, allowed: Callable[[str], bool] = nowhere) -> None:
    """Check that nothing in an HDF5 file is read from another.

    Args:
        file: that is open.
        allowed: whether a virtual data set may be made of the file of that name.

    Raises:
        GenprobeError: naming the link or data set at fault, and the file that it names.

    Example:
        >>> with h5py.File("memory.h5", "w", driver="core", backing_store=False) as file:
        ...     file["secret"] = h5py.ExternalLink("/etc/passwd", "/")
        ...     require_self_contained(file)
        Traceback (most recent call last):
            ...
        genprobe.errors.GenprobeError: secret in memory.h5 is a link to another file, '/etc/passwd'.
        Nothing is read from there: copy it into the file.
    """
    for name, found in links(file):
        elsewhere: list[str] = []
        how = "is stored in"
        if isinstance(found, h5py.ExternalLink):
            how, elsewhere = "is a link to", [found.filename]
        elif isinstance(found, h5py.Dataset):
            elsewhere = [str(external[0]) for external in found.external or ()]
            if found.is_virtual:
                sources = {source.file_name for source in found.virtual_sources()} - {SAME_FILE}
                elsewhere += sorted(source for source in sources if not allowed(source))
        if elsewhere:
            raise GenprobeError(
                f"{name} in {file.filename} {how} another file, {elsewhere[0]!r}.",
                "Nothing is read from there: copy it into the file.",
            )


def links(file: h5py.File) -> Iterator[tuple[str, Any]]:
    """Every link of a file by its path, with what it leads to; each group once.

    What leads to another file is not followed, nor is what leads to nothing.
    """
    todo: list[tuple[str, h5py.Group]] = [("", file)]
    seen: set[Any] = set()
    while todo:
        place, group = todo.pop()
        for name in list(group):  # an iteration cut short would keep a lock of h5py
            path = f"{place}/{name}".lstrip("/")
            link = group.get(name, getlink=True)
            found = group[name] if isinstance(link, h5py.HardLink) else link
            if isinstance(found, h5py.Group):
                address = h5py.h5o.get_info(found.id).addr
                if address not in seen:
                    seen.add(address)
                    todo.append((path, found))
            yield path, found


def require_stored(name: str, dataset: h5py.Dataset, held: int) -> None:
    """Check that the values of a data set can be in its file, before they are read.

    Args:
        name: of the data set.
        dataset: of any shape.
        held: bytes of the file.

    Raises:
        ValueError: if its shape claims more than the file can hold.
    """
    claimed = dataset.dtype.itemsize
    for size in dataset.shape or ():
        claimed *= size
    packed = dataset.is_virtual or bool(dataset.id.get_create_plist().get_nfilters())
    require_backed(name, claimed, held, packed)
