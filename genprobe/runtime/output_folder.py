"""Result folders: filled aside and renamed, so that half a folder never has the name."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def write_folder(target: Path) -> Iterator[Path]:
    """A new folder to fill, which takes its name at the end; at any fault what is there stays.

    Args:
        target: no symbolic link. A folder that is there is replaced: whether it may be is for the
            caller to know.

    Raises:
        OSError: if the file system refuses.

    >>> with tempfile.TemporaryDirectory() as place:
    ...     with write_folder(Path(place, "results")) as folder:
    ...         _ = Path(folder, "r.txt").write_text("0.5")
    ...     [str(path.relative_to(place)) for path in Path(place).rglob("*")]
    ['results', 'results/r.txt']
    """
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".genprobe-") as aside:
        new, old = Path(aside, target.name), Path(aside, "old", target.name)
        new.mkdir()
        yield new
        if target.exists():
            old.parent.mkdir()
            target.replace(old)
        try:
            new.replace(target)
        except OSError:
            if old.exists():
                old.replace(target)
            raise
