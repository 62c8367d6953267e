"""Figures as PNG, SVG or PDF; the same figure is always the same file."""

from pathlib import Path

from matplotlib.figure import Figure

from genprobe.errors import GenprobeError
from genprobe.render.figure.style import drawing

FORMATS = {
    ".png": {"Software": None},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
"""By suffix: what is left out of the file, as it would differ from run to run."""


def require_format(path: Path) -> None:
    """Check that a figure can be written to a file of that name.

    Raises:
        GenprobeError: naming the suffixes that are known.
    """
    if path.suffix.lower() not in FORMATS:
        raise GenprobeError(
            f"A plot cannot be written as {path.name}.", f"End it in {', '.join(FORMATS)}."
        )


def write_figure(figure: Figure, path: Path, title: str) -> None:
    """Write a figure in the format of the suffix.

    Raises:
        GenprobeError: if the file cannot be written.
    """
    try:
        with drawing():
            figure.savefig(path, metadata={"Title": title, **FORMATS[path.suffix.lower()]})
    except OSError as error:
        raise GenprobeError(f"{path} cannot be written: {error.strerror}.") from error
