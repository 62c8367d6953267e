"""The pictures of a store, in ``STORE.pictures.npz``: small, plain arrays.

A report shows them without the model. They are no part of the numbers: without them, or with a
file that does not read, everything else stays as it is.
"""

import contextlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from genprobe.errors import StoreError
from genprobe.runtime.atomic_write import atomic_write
from genprobe.runtime.untrusted import require_readable
from genprobe.store.format import dump_header, load_header
from genprobe.store.whole import WholeStore

GRIDS = ("reconstructions", "levels", "prior", "fitted-prior", "traversals")
"""What there can be to see, in the order of a report."""

VERSION = 1
LEAST_SQUARE = 8
"""Height of a square picture, from which on a row of values is taken for one."""
AGAIN = "Run the same evaluate again with the same --store: it draws them and encodes nothing."


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """Pictures of one kind in rows.

    Attributes:
        images: (row, column, height, width, channel) uint8, of one channel or three.
        rows: what each row is.
        source: what the pictures are of: the prior's name, the fitted one's; may be empty.
    """

    images: np.ndarray
    rows: tuple[str, ...]
    source: str = ""

    def __post_init__(self) -> None:
        if self.images.dtype != np.uint8 or self.images.ndim != 5 or 0 in self.images.shape:
            raise ValueError(f"pictures of {self.images.dtype} {self.images.shape}")
        if self.images.shape[-1] not in (1, 3) or len(self.images) != len(self.rows):
            raise ValueError(f"{len(self.rows)} rows for pictures {self.images.shape}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Pictures:
    """What one sees of a model, and why the rest is not there.

    Attributes:
        grids: by their names in ``GRIDS``.
        absent: for each of the others, the reason.
        examples: positions in the data set of those that are pictured; empty where nothing says.
    """

    grids: Mapping[str, Grid]
    absent: Mapping[str, str]
    examples: tuple[int, ...] = ()


def image_shape(event_shape: Sequence[int]) -> tuple[int, int, int] | None:
    """Channels, height and width of an example; None if it is no image.

    Images are (H, W), (1, H, W) and (3, H, W), and a row of h² values from 64 on, such as 784.

    Args:
        event_shape: of one example.
    """
    shape = tuple(event_shape)
    if len(shape) == 1:
        side = math.isqrt(shape[0])
        return (1, side, side) if side**2 == shape[0] and side >= LEAST_SQUARE else None
    channels, *rest = shape if len(shape) == 3 else (1, *shape)
    if len(rest) != 2 or channels not in (1, 3) or min(rest) < 2:
        return None
    return channels, rest[0], rest[1]


def pictures_path(store: WholeStore) -> Path:
    """The file of a store's pictures."""
    return store.path.with_name(store.path.name + ".pictures.npz")


def save_pictures(store: WholeStore, pictures: Pictures) -> None:
    """Write the pictures of a store, whole or not at all.

    Raises:
        StoreError: if they cannot be written.
    """
    from genprobe.store.write import explain_write_errors  # imports torch

    about = {
        "version": VERSION,
        "header": dump_header(store.header),
        "grids": {k: {"rows": g.rows, "source": g.source} for k, g in pictures.grids.items()},
        "absent": dict(pictures.absent),
        "examples": list(pictures.examples),
    }
    arrays = {name: grid.images for name, grid in pictures.grids.items()}
    path = pictures_path(store)
    with explain_write_errors(path), atomic_write(path) as aside, aside.open("wb") as file:
        np.savez_compressed(file, about=np.array(json.dumps(about)), **arrays)  # type: ignore[arg-type]


def load_pictures(store: WholeStore) -> Pictures:
    """Read the pictures of a store.

    Raises:
        StoreError: if there are none, they do not read, or they are of another run.
    """
    path = pictures_path(store)
    if not path.exists():
        raise StoreError(f"The store {store.path} has no pictures.", AGAIN)
    require_readable(path, "pictures", error=StoreError)
    # numpy would leave a damaged file open that it opened itself.
    with unpacking(path), path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        about = json.loads(str(file["about"]))
        if about["version"] > VERSION:
            raise StoreError(f"{path} is of a newer genprobe.", "Upgrade genprobe.")
        if load_header(about["header"], str(path)) != store.header:
            raise StoreError(f"The pictures {path} are of another run than the store.", AGAIN)
        grids = {
            name: Grid(
                images=file[name], rows=tuple(map(str, grid["rows"])), source=str(grid["source"])
            )
            for name, grid in about["grids"].items()
            if name in GRIDS
        }
        return Pictures(
            grids=grids,
            absent={k: str(v) for k, v in about["absent"].items()},
            examples=tuple(map(int, about.get("examples", ()))),
        )


@contextlib.contextmanager
def unpacking(path: Path) -> Iterator[None]:
    """Turn whatever a damaged file makes numpy raise into one clear line."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:  # numpy raises almost anything, that of tokenize among it
        raise StoreError(f"The pictures {path} are damaged and do not read.", AGAIN) from error
