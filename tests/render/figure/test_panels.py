import pytest

from genprobe.render.figure.legend import height_of, remark
from genprobe.render.figure.panels import GAP, NARROW, Panel, lay_out, settle
from genprobe.render.figure.style import drawing

WORDS = [remark("some"), remark("words")]
PANELS = {
    "plane": Panel(title="First", height=2.0, legend=[WORDS, WORDS]),
    "middle": Panel(title="Second", height=1.0),
    "last": Panel(title="Third", height=1.0),
}


@pytest.fixture
def laid_out():
    def start(width, beside=True, panels=PANELS):
        with drawing():
            axes = lay_out(panels, width, beside)
            return settle(axes["plane"]), axes

    return start


def test_on_a_wide_page_the_first_stands_beside_the_others(laid_out):
    figure, axes = laid_out(6.9)
    plane, middle, last = (axes[name].bbox for name in PANELS)
    assert plane.x1 < middle.x0
    assert last.y1 < middle.y0
    assert figure.get_figheight() == pytest.approx(2.0 + GAP + height_of(WORDS))


@pytest.mark.parametrize(("width", "beside"), [(NARROW - 0.1, True), (6.9, False)])
def test_else_all_stand_in_one_column_with_legends_between(laid_out, width, beside):
    figure, axes = laid_out(width, beside)
    names = ["plane", "plane legend", "middle", "last"]
    tops = [axes[name].bbox.y1 for name in names]
    assert tops == sorted(tops, reverse=True)
    assert figure.get_figheight() == pytest.approx(4.0 + GAP + height_of(WORDS))


def test_titles_are_lettered_in_order(laid_out):
    _, axes = laid_out(6.9)
    titles = [axes[name].get_title(loc="left") for name in PANELS]
    assert titles == ["a  First", "b  Second", "c  Third"]


def test_room_is_kept_below_a_panel_for_a_longer_legend_beside(laid_out):
    panels = {"plane": Panel(title="Alone", height=1.0, legend=[WORDS], below=2.0)}
    figure, _ = laid_out(3.3, panels=panels)
    assert figure.get_figheight() == pytest.approx(3.0)
    assert panels["plane"].legend_height == 2.0


def test_what_is_settled_stays_where_it_is(laid_out):
    figure, axes = laid_out(6.9)
    before = axes["plane"].bbox.extents.tolist()
    axes["plane"].set_ylabel("an axis\nwith two lines")
    figure.draw_without_rendering()
    assert axes["plane"].bbox.extents.tolist() == before
