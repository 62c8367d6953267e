"""Files outside of a case's folder, which no case may read, run or change."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SECRET_NUMBER = 1234567.875
"""Fills ``secret.bin``; where it comes out as a quantity it is seen in the output."""
SECRET_WORD = "unspoken-word-41"
"""Fills ``secret.txt`` and ``secret.json``."""


@dataclass(frozen=True)
class Outside:
    """A folder of files that are none of a case's business.

    Attributes:
        folder: of the files.
    """

    folder: Path

    @property
    def numbers(self) -> Path:
        """A file of float64 numbers."""
        return self.folder / "secret.bin"

    @property
    def words(self) -> Path:
        """A file of text."""
        return self.folder / "secret.txt"

    @property
    def canary(self) -> Path:
        """The file that planted code makes; it is there only if code was run."""
        return self.folder / "canary"

    def fill(self) -> None:
        """Write the files."""
        self.folder.mkdir()
        np.full(4096, SECRET_NUMBER).tofile(self.numbers)
        self.words.write_text(f"{SECRET_WORD}\n" * 20, encoding="utf-8")


def snapshot(folder: Path) -> dict[str, str]:
    """What is in a folder, by path: a hash of each file, the kind of everything else.

    Args:
        folder: looked into at any depth; links are not followed.
    """
    found = {}
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root) / name
            found[path.relative_to(folder).as_posix()] = describe(path)
    return found


def describe(path: Path) -> str:
    """A hash of a file's content; where a link points; else what it is."""
    if path.is_symlink():
        return f"link to {os.readlink(path)}"
    if path.is_dir():
        return "folder"
    if not path.is_file():
        return "other"
    return hashlib.sha256(path.read_bytes()).hexdigest()


def leaks(text: str) -> bool:
    """Whether a text shows what is in the files outside."""
    return SECRET_WORD in text or str(int(SECRET_NUMBER)) in text
