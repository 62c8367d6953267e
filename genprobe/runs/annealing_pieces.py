"""What a long annealing has done so far, a small file a piece, so that it goes on after a kill.

The files are in a folder of the store's partial folder that is named by all that their numbers
depend on. Each is written aside and renamed, and one that does not read is made again.
"""

import contextlib
import logging
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from xxhash import xxh3_64_hexdigest

from genprobe.runtime.atomic_write import atomic_write
from genprobe.store.run_id import partial_folder
from genprobe.store.write import explain_write_errors, own_files, require_no_link

log = logging.getLogger("genprobe")

FOLDER = re.compile(r"inference-[0-9a-f]{16}")
PIECE = re.compile(r"[a-z0-9.-]+\.npz(\.writing)?")
"""Names of genprobe's own, which it deletes: no others."""

Arrays = Mapping[str, Tensor]


class Pieces:
    """The finished pieces of one annealing.

    Args:
        store: path of the store.
        identity: all that the numbers depend on.
    """

    def __init__(self, store: Path, identity: str) -> None:
        self.partial = partial_folder(store)
        self.folder = self.partial / f"inference-{xxh3_64_hexdigest(identity.encode())}"

    def open(self) -> None:
        """Make the folder; what is there of others goes.

        Raises:
            StoreError: if it cannot be written.
        """
        require_no_link(self.folder)
        for other in own_files(self.partial, FOLDER):
            if other != self.folder:
                discard(other)
        with explain_write_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """Remove the folder, as its content is in the store by now."""
        discard(self.folder)

    def read(self, name: str) -> Arrays | None:
        """A piece that is finished; None if it is not there, or does not read.

        Args:
            name: of the piece.
        """
        path = self.folder / f"{name}.npz"
        if not path.is_file():
            return None
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
                return {key: torch.from_numpy(content[key]) for key in content.files}
        except Exception as error:  # numpy raises almost anything
            log.info("%s is worked out again: %s", path, error)
            return None

    def step(self, name: str, compute: Callable[[], Arrays]) -> Arrays:
        """A piece: read if it is finished, else computed and written whole.

        Args:
            name: of the piece.
            compute: gives it.

        Raises:
            StoreError: if it cannot be written.
        """
        found = self.read(name)
        if found is None:
            found = compute()
            with (
                explain_write_errors(self.folder),
                atomic_write(self.folder / f"{name}.npz") as aside,
                aside.open("wb") as file,
            ):
                np.savez(file, **{key: values.numpy() for key, values in found.items()})  # type: ignore[arg-type]
        return found


def discard(folder: Path) -> None:
    """Remove a folder of pieces; what else somebody put there stays, and the folder with it."""
    if folder.is_symlink():
        return
    if all(PIECE.fullmatch(path.name) for path in folder.glob("*")):
        shutil.rmtree(folder, ignore_errors=True)
        return
    for piece in own_files(folder, PIECE):
        with contextlib.suppress(OSError):
            piece.unlink()
