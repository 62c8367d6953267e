import dataclasses
import math

import pytest
import torch

import genprobe
from genprobe.plugins import plugins
from genprobe.render.page.code_charts import (
    code_charts,
    fitted_line,
    placed_charts,
    tokenizer_chart,
)

INDEX = torch.randint(6, (300, 3, 3), generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def tokens():
    return genprobe.evaluate_posteriors(
        {"index": INDEX, "classes": 8},
        name="vq",
        dataset="d",
        event_shape=(1, 9, 9),
        distortion=torch.rand(300),
    )


@pytest.fixture(scope="module")
def grid():
    waves = torch.randn(200, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    loc = torch.cumsum(torch.cumsum(waves, 2), 3)
    names = ("rate", "scaling_factor", "spectrum_slope")
    return genprobe.evaluate_posteriors(
        {"loc": loc, "scale": torch.full_like(loc, 0.2)},
        estimators={name: plugins().get("estimators", name) for name in names},
    )


def test_growth_is_that_of_the_report_and_dashed_beyond_its_examples(tokens):
    growth, ranks = code_charts(tokens, "#123456")
    known, beyond = growth.data
    points = tokens.tokens.growth
    assert list(zip(known["x"], known["y"], strict=True)) == [p for p in points if p[0] <= 300]
    assert list(zip(beyond["x"], beyond["y"], strict=True)) == [p for p in points if p[0] >= 300]
    assert beyond["line"]["dash"] == "dash"
    assert known["line"]["color"] == "#123456"
    (line,) = ranks.data
    counts = sorted(torch.bincount(INDEX.flatten(), minlength=8).tolist(), reverse=True)
    assert line["y"] == [count for count in counts if count]
    assert ranks.axes["xaxis"]["type"] == ranks.axes["yaxis"]["type"] == "log"


def test_the_spectrum_has_a_line_of_the_slope_that_is_stated(grid):
    (chart,) = code_charts(grid, "#123456")
    power, line = chart.data
    assert power["y"] == list(grid.grid.power)
    slope = grid["spectrum_slope"].value
    drawn = math.log(line["y"][1] / line["y"][0]) / math.log(line["x"][1] / line["x"][0])
    assert drawn == pytest.approx(slope)
    assert f"{abs(slope):.2f}" in chart.caption
    short = dataclasses.replace(grid.grid, frequencies=(0.1,), power=(1.0,))
    assert fitted_line(short, slope) == []


def test_tokenizers_stand_by_what_they_cost_and_are_good_for(tokens):
    other = genprobe.evaluate_posteriors(
        {"index": INDEX[:, :2], "classes": 8},
        name="<b>small</b>",
        dataset="d",
        event_shape=(1, 9, 9),
        distortion=torch.rand(300) + 1,
    )
    comparison = genprobe.compare([tokens, other])
    chart = tokenizer_chart(comparison, ["#111111", "#222222"])
    assert chart.axes["yaxis"]["title"]["text"] == "D, nats"
    assert chart.axes["xaxis"]["title"]["text"] == "bits/pixel"
    by = {trace["text"][0]: trace for trace in chart.data}
    assert by["vq"]["x"] == [pytest.approx(tokens["rate_fitted_prior"].value / math.log(2) / 81)]
    assert by["vq"]["y"] == [tokens["distortion"].value]
    assert "&lt;b&gt;small&lt;/b&gt;" in by
    placed = placed_charts([(0, list(code_charts(tokens, "#111111")))], chart)
    assert [each["id"] for each in placed] == ["chart-0-0", "chart-0-1", "chart-compared"]
    assert tokenizer_chart(genprobe.compare([tokens]), ["#111111"]) is None


def test_a_code_without_places_has_no_charts(make_report):
    assert list(code_charts(make_report(), "#123456")) == []
