import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from genprobe.render.figure.legend import height_of, model_handle, remark, write_legend
from genprobe.render.figure.style import INK, drawing

ENTRIES = [
    (model_handle("o", "#009E73"), "one line"),
    (Ellipse((0, 0), 1, 1), "two\nlines"),
    remark("words alone"),
]


@pytest.fixture
def write():
    """A legend in axes of a given height, and the figure it is on."""

    def start(entries, height, side):
        with drawing():
            figure = Figure(figsize=(3.3, height))
            part = figure.subfigures(1, 1)
            axes = part.add_axes((0, 0, 1, 1))
            write_legend(axes, entries, side)
            figure.draw_without_rendering()
        [legend] = axes.artists
        return figure, legend

    return start


@pytest.mark.parametrize("entries", [ENTRIES, ENTRIES * 3])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_column_fits_the_height_that_it_is_said_to_take(write, entries, side):
    height = height_of(entries)
    figure, legend = write(entries, height, side)
    box = legend.get_window_extent()
    assert box.y0 >= -0.02 * figure.dpi
    assert box.height > 0.7 * height * figure.dpi
    middle = figure.bbox.width / 2
    assert box.x1 < middle if side == "left" else box.x0 > middle


def test_an_ellipse_is_shown_as_one_and_words_alone_have_no_mark(write):
    _, legend = write(ENTRIES, 1.0, "left")
    assert [type(patch) for patch in legend.get_patches()] == [Ellipse]
    marks = [line.get_marker() for line in legend.get_lines()]
    styles = [line.get_linestyle() for line in legend.get_lines()]
    assert marks == ["o", "None"]
    assert styles == ["None", "None"]


def test_a_model_is_marked_as_on_the_plane():
    handle = model_handle("s", "#E69F00", 0.8)
    look = (handle.get_marker(), handle.get_markerfacecolor(), handle.get_markeredgecolor())
    assert look == ("s", "#E69F00", INK)
    assert handle.get_markeredgewidth() == 0.8
