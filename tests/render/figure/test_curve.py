import re
from dataclasses import replace

import matplotlib
import pytest
from matplotlib.colors import to_hex
from PIL import Image

from genprobe.errors import GenprobeError
from genprobe.render.figure.curve import draw_curve, save_curve
from genprobe.render.figure.figure_file import FORMATS
from genprobe.render.figure.style import COLOURS


def panels(figure):
    """The two panels by the letter of their titles."""
    return {t[0]: a for a in figure.axes if (t := a.get_title(loc="left"))}


def legends(figure):
    found = [t.get_text() for a in figure.axes for box in a.artists for t in box.get_texts()]
    return [" ".join(text.split()) for text in found]


def test_two_panels_with_their_legends_below(make_sweep):
    figure = draw_curve(make_sweep())
    axes = panels(figure)
    assert set(axes) == {"a", "b"}
    assert all(axes[letter].get_legend() is None for letter in axes)
    shown = legends(figure)
    assert {"training: a & b <c>, N = 100", "held-out: a & b <c>, N = 100"} <= set(shown)
    assert {"rate R", "distortion D", "I(n;z)"} <= set(shown)


def test_they_stand_level_on_a_wide_page_and_one_below_the_other_on_a_narrow_one(make_sweep):
    wide, narrow = (panels(draw_curve(make_sweep(), width=width)) for width in (6.9, 3.3))
    assert wide["a"].bbox.extents[[1, 3]] == pytest.approx(wide["b"].bbox.extents[[1, 3]], abs=1)
    assert wide["a"].bbox.x1 < wide["b"].bbox.x0
    assert narrow["a"].bbox.y0 > narrow["b"].bbox.y1


def test_a_model_has_the_regime_that_the_table_beside_gives_it(make_sweep):
    """The table reads regimes under the Ĥ that the models share, not under each model's own."""
    sweep = make_sweep()
    first, *others = sweep.training  # whose Ĥ is the least, and shared
    looser = {"label": "autoencoder", "entropy": first.regime.entropy + 1}
    alone = [first, *(replace(r, regime=replace(r.regime, **looser)) for r in others)]
    shown = {
        line.get_xdata()[0]: to_hex(line.get_markerfacecolor()).upper()
        for line in panels(draw_curve(replace(sweep, training=tuple(alone))))["a"].lines
        if line.get_gid() == "model"
    }
    encoder, decoder = COLOURS["semantic-encoder"], COLOURS["semantic-decoder"]
    assert shown == {8.0: encoder, 5.0: encoder, 2.0: decoder}


@pytest.mark.parametrize("width", [6.9, 3.3])
@pytest.mark.parametrize("count", [1, 3, 25])
def test_type_is_legible_inside_the_page_and_never_over_other_type(
    make_sweep, assert_legible, count, width
):
    betas = tuple(0.1 * 1.25**i for i in range(count))
    places = [(20 / (1 + b), 60 + 20 * b / (1 + b)) for b in betas]
    sides = {"training": places, "held-out": [(r + 0.1, d + 1) for r, d in places]}
    figure = draw_curve(make_sweep(sides, betas), width=width)
    assert figure.get_figwidth() == width
    assert_legible(figure)


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_sweep_is_the_same_file_whatever_the_user_s_settings(tmp_path, make_sweep, suffix):
    save_curve(make_sweep(), tmp_path / f"a{suffix}")
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "savefig.dpi": 50}):
        save_curve(make_sweep(), tmp_path / f"b{suffix}")
    first, second = ((tmp_path / f"{name}{suffix}").read_bytes() for name in "ab")
    assert first == second
    assert not re.search(rb"<dc:date>|CreationDate", first)


def test_a_picture_is_as_wide_as_a_page_and_has_a_title(tmp_path, make_sweep):
    save_curve(make_sweep(), tmp_path / "c.png")
    with Image.open(tmp_path / "c.png") as image:
        assert image.width == 2070
        assert image.text["Title"] == "Rate-distortion curve: 3 models on a & b <c>"


def test_a_file_that_cannot_be_written_is_told(tmp_path, make_sweep):
    with pytest.raises(GenprobeError, match=r"no folder .*nowhere"):
        save_curve(make_sweep(), tmp_path / "nowhere" / "c.png")
    with pytest.raises(GenprobeError, match=r"c\.gif") as caught:
        save_curve(make_sweep(), tmp_path / "c.gif")
    assert caught.value.remedy == "End it in .png, .svg, .pdf."


def test_units_divide_everything(make_sweep):
    axes = panels(draw_curve(make_sweep(), "bits/dim"))
    [line] = [li for li in axes["a"].lines if li.get_gid() == "training"]
    expected = [8.0 / 6.931471805599453, 60.0 / 6.931471805599453]
    assert line.get_xydata()[0].tolist() == pytest.approx(expected)
    assert "bits/dim" in axes["a"].get_xlabel()
    assert axes["b"].get_ylabel() == "bits/dim"


def test_one_side_alone_and_a_beta_of_0_draw_too(make_sweep):
    sides = {"training": [(8.0, 60.0), (5.0, 62.0), (2.0, 66.5)]}
    figure = draw_curve(make_sweep(sides, (0.0, 1.0, 2.0)))
    assert not any("held-out" in text for text in legends(figure))
    assert panels(figure)["b"].get_xscale() == "linear"
