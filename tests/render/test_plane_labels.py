from dataclasses import replace

import pytest

from genprobe.comparing.compare import compare
from genprobe.render.figure.plane import draw_plane
from genprobe.render.page.html import to_html
from genprobe.render.plane_labels import one_line
from genprobe.render.text.comparison import comparison_to_text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("vae", "vae"),
        ("$x_1$ <b>", "$x_1$ <b>"),
        ("a\x00b\nc", r"a\x00b\nc"),
        ("x" * 40, "x" * 18 + "…" + "x" * 9),
    ],
)
def test_a_name_is_on_one_line_as_it_is_written(name, expected):
    assert one_line(name) == expected
    assert len(one_line(name)) <= 28


def test_twelve_models_have_the_same_labels_in_table_figure_and_page(curve, written):
    models = [
        replace(report, model="model", provenance={"store": f"runs/exp/beta-{i // 2}/s-{i}/vae.h5"})
        for i, report in enumerate(curve(12))
    ]
    found = compare(models)
    assert len(set(found.names)) == 12
    assert "beta-0/s-0" in found.names
    drawn = [text for text, _, _ in written(draw_plane(found))]
    page = to_html(found)
    table = comparison_to_text(found)
    for name in found.names:
        assert drawn.count(name) == 2, "on the plane and beside its bar"
        assert f'<span class="name">{name}</span>' in page
        assert f"\n{name} " in table
