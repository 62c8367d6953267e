"""Figures as PNG, SVG or PDF; the same figure is always the same file."""

import os
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure

from genprobe.errors import GenprobeError
from genprobe.render.figure.style import drawing
from genprobe.runtime.output_file import ResultKind, write_result

FORMATS: Mapping[str, Mapping[str, str | None]] = {
    ".png": {"Software": "genprobe"},
    ".svg": {"Creator": "genprobe", "Date": None},
    ".pdf": {"Creator": "genprobe", "CreationDate": None},
}
"""By suffix: what the file says of itself, without what would differ from run to run."""

STARTS = (b"\x89PNG\r\n\x1a\n", b"<?xml", b"%PDF-")
MARKS = (
    b"Software\0genprobe",
    b"<dc:title>genprobe</dc:title>",
    b"/Creator (genprobe)",
    *(
        start + bytes(title, coding)
        for title in ("Rate-distortion plane: ", "Rate-distortion curve: ")  # up to 0.1.1
        for start, coding in (
            (b"Title\0", "ascii"),
            (b"<title>", "ascii"),
            (b"/Title (", "ascii"),
            (b"/Title (\xfe\xff", "utf-16-be"),
        )
    ),
)
"""One of these is near the start or the end of every figure."""
NEAR = 1 << 16


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
        GenprobeError: if the file cannot be written, or one is there that is no such figure.
    """
    suffix, drawn = path.suffix.lower(), BytesIO()
    with drawing():
        figure.savefig(drawn, format=suffix[1:], metadata={"Title": title, **FORMATS[suffix]})
    write_result(path, drawn.getvalue(), FIGURE)


def wrote_figure(path: Path) -> bool:
    """Whether a file is a figure that some version wrote."""
    with path.open("rb") as file:
        start = file.read(NEAR)
        file.seek(max(0, os.fstat(file.fileno()).st_size - NEAR))
        end = file.read(NEAR)
    return start.startswith(STARTS) and any(mark in start or mark in end for mark in MARKS)


FIGURE = ResultKind(name="a figure of genprobe", wrote=wrote_figure)
