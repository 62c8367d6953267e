import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib
import pytest
from PIL import Image

import genprobe
from genprobe.comparing.compare import compare
from genprobe.errors import GenprobeError
from genprobe.render.figure.figure_file import FORMATS
from genprobe.render.figure.plane import draw_plane, plot, save_plane
from genprobe.render.plane import ALL


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_is_of_its_suffix_and_has_a_title(tmp_path, curve, suffix):
    path = tmp_path / f"plane{suffix}"
    save_plane(compare(curve(3)), path)
    if suffix == ".png":
        with Image.open(path) as image:
            assert image.width == 2070
            assert image.text["Title"] == "Rate-distortion plane: 3 models on digits"
    elif suffix == ".svg":
        assert "3 models on digits" in path.read_text(encoding="utf-8")
        assert ET.parse(path).getroot().tag.endswith("svg")
    else:
        content = path.read_bytes()
        assert content.startswith(b"%PDF")
        assert content.rstrip().endswith(b"%%EOF")
        assert b"/Title (Rate-distortion plane: 3 models on digits)" in content


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_comparison_is_the_same_file(tmp_path, curve, suffix):
    paths = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for path in paths:
        save_plane(compare(curve(3)), path)
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    assert not re.search(rb"<dc:date>|CreationDate", first)


def test_the_user_s_settings_do_not_show(tmp_path, curve):
    comparison = compare(curve(3))
    save_plane(comparison, tmp_path / "a.svg")
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "svg.fonttype": "path"}):
        save_plane(comparison, tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize("name", ["$x_1$ <b>bold</b> & µ", r"\alpha^2 %d {0}", "模型"])
def test_a_name_is_shown_as_it_is_written(tmp_path, make_model, name):
    save_plane(
        compare([make_model(name, 10.0, 60.0), make_model("b", 20.0, 50.0)]), tmp_path / "p.svg"
    )
    found = {"".join(e.itertext()).strip() for e in ET.parse(tmp_path / "p.svg").iter()}
    assert name in found


def test_what_xml_cannot_hold_is_spelt_in_a_name(tmp_path, make_model):
    save_plane(compare([make_model("a\x00\x1b[31mb", 10.0, 60.0)]), tmp_path / "p.svg")
    assert r"a\x00\x1b[31mb" in (tmp_path / "p.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["plane.gif", "plane", "plane.pdf.txt"])
def test_another_suffix_is_refused_before_anything_is_drawn(name, monkeypatch, curve, tmp_path):
    monkeypatch.setattr("genprobe.render.figure.plane.draw_plane", lambda *a: pytest.fail("drawn"))
    with pytest.raises(GenprobeError, match=name) as caught:
        save_plane(compare(curve(2)), tmp_path / name)
    assert caught.value.remedy == "End it in .png, .svg, .pdf."


def test_a_folder_that_is_not_there_is_told(curve, tmp_path):
    with pytest.raises(GenprobeError, match=r"no folder .*nowhere"):
        save_plane(compare(curve(2)), tmp_path / "nowhere" / "p.png")


@pytest.mark.parametrize(("count", "width"), [(1, 3.3), (4, 6.9), (20, 3.3)])
def test_type_is_legible_inside_the_page_and_never_over_other_type(
    curve, assert_legible, count, width
):
    figure = draw_plane(compare(curve(count, noise=2.0)), width=width)
    assert figure.get_figwidth() == width
    assert_legible(figure)


def test_panels_of_one_model_and_of_several(curve, make_model):
    alone, several = (titles(draw_plane(compare(curve(n)))) for n in (1, 2))
    assert several == ["a  Rate-distortion plane", "b  Where the rate goes"]
    assert alone == [*several, "c  Rate by latent dimension"]
    unfactorised = make_model("vae", 10.0, 60.0, dimensions=())
    assert titles(draw_plane(compare([unfactorised]))) == several


def test_without_any_decoder_the_rate_alone_is_shown(make_model):
    figure = draw_plane(compare([make_model("a", 10.0, information=5.0), make_model("b", 4.0)]))
    assert titles(figure) == ["a  Where the rate goes"]


def test_of_many_models_the_bars_are_of_the_hull(curve):
    many = compare(curve(ALL + 2, noise=3.0))
    [bars] = [a for a in draw_plane(many).axes if a.get_title(loc="left").startswith("b")]
    assert 2 <= len(bars.get_yticks()) <= ALL
    assert bars.get_ylabel() == f"{len(bars.get_yticks())} of {ALL + 2} models"
    names = [tick.get_text() for tick in bars.get_yticklabels()]
    assert set(names) <= {f"{i + 1}  {name}" for i, name in enumerate(many.names)}


@pytest.mark.parametrize("unit", ["bits", "bits/dim"])
def test_units(curve, unit):
    figure = draw_plane(compare(curve(3)), unit=unit)
    [axes] = [a for a in figure.axes if a.get_xlabel() == f"rate R ({unit})" and a.get_ylabel()]
    values = {"bits": 1.0, "bits/dim": 20.0}[unit] * math.log(2)
    marks = sorted(li.get_xdata()[0] for li in axes.lines if li.get_gid() == "model")
    assert marks == pytest.approx([40 * i / 3 / values for i in range(3)])


def test_plot_takes_a_report_a_comparison_or_several(curve, tmp_path):
    models = curve(2)
    assert genprobe.plot is plot
    for given, panels in ((models[0], 3), (models, 2)):
        assert len(titles(plot(given, tmp_path / "p.svg", width=3.3))) == panels
        assert (tmp_path / "p.svg").stat().st_size > 5000
    path = tmp_path / "report.json"
    path.write_text(models[0].to_json(), encoding="utf-8")
    assert len(titles(plot([path]))) == 3


def test_no_module_imports_pyplot_which_keeps_figures_and_picks_windows():
    package = Path(genprobe.__file__).parent
    assert not [
        p for p in package.rglob("*.py") if re.search(r"import.*pyplot", p.read_text("utf-8"))
    ]
