from pathlib import Path

import pytest
from matplotlib.figure import Figure

from genprobe.errors import GenprobeError
from genprobe.render.figure.figure_file import FORMATS, require_format, write_figure


def drawn():
    figure = Figure()
    figure.subplots().plot([0, 1], [1, 0])
    return figure


@pytest.mark.parametrize("suffix", [*FORMATS, ".PNG"])
def test_the_suffix_says_what_is_written_and_the_same_figure_is_the_same_file(tmp_path, suffix):
    paths = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for path in paths:
        require_format(path)
        write_figure(drawn(), path, "A title")
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    begin = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}[suffix.lower()]
    assert first.startswith(begin)
    assert b"A title" in first


@pytest.mark.parametrize("name", ["plane.gif", "plane", "plane.pdf.txt"])
def test_another_suffix_is_refused_with_those_there_are(name):
    with pytest.raises(GenprobeError, match=name) as caught:
        require_format(Path(name))
    assert caught.value.remedy == "End it in .png, .svg, .pdf."


def test_a_file_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(GenprobeError, match=r"folder\.png cannot be written: Is a directory"):
        write_figure(drawn(), tmp_path / "folder.png", "A title")
