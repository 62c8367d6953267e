from pathlib import Path

import pytest
from matplotlib.figure import Figure

from genprobe.errors import GenprobeError
from genprobe.render.figure.figure_file import (
    FORMATS,
    require_format,
    write_figure,
    wrote_figure,
)


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
    with pytest.raises(GenprobeError, match=r"folder\.png cannot be written: it is a folder"):
        write_figure(drawn(), tmp_path / "folder.png", "A title")


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_figure_is_known_by_what_it_says_of_itself(tmp_path, suffix):
    path = tmp_path / f"p{suffix}"
    drawn().savefig(path, metadata={"Title": "Of somebody else"})
    assert not wrote_figure(path)
    with pytest.raises(GenprobeError, match="is not a figure of genprobe"):
        write_figure(drawn(), path, "A title")
    path.unlink()
    write_figure(drawn(), path, "A title")
    assert wrote_figure(path)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", ["plane: ä on b", "curve: 9 models on b"])
def test_figures_of_earlier_versions_are_known_by_their_titles(tmp_path, suffix, name):
    path = tmp_path / f"p{suffix}"
    drawn().savefig(path, metadata={"Title": f"Rate-distortion {name}"})
    assert wrote_figure(path)
