import re

from genprobe.comparing.compare import compare
from genprobe.render.palette import MODELS


def test_a_notebook_shows_verdict_table_and_plane(make_model):
    models = [make_model("a<b>", 8.0, 60.0), make_model("c", 6.0, 70.0)]
    text = compare(models)._repr_html_()
    assert "best ELBO, −68.00 ± 0.45" in text
    assert re.findall(r"</span> ([^<]+)</th>", text) == ["a&lt;b&gt;", "c"]
    assert re.findall(r"color: (#\w+)", text) == list(MODELS[:2])
    assert text.count("data:image/png;base64,") == 1
    assert "<script" not in text


def test_models_without_a_place_have_no_picture(make_model):
    text = compare([make_model("a", 8.0), make_model("b", 6.0)])._repr_html_()
    assert "<img" not in text
    assert "<table" in text


def test_the_repr_is_short(make_model):
    found = compare([make_model("a", 8.0, 60.0), make_model("b", 6.0, 70.0)])
    assert repr(found) == "<Comparison of 2 models on digits, best ELBO a>"
    assert repr(compare([make_model("a", 8.0, 60.0)])).startswith("<Comparison of a on digits")
