import dataclasses
import json
import re

import pytest
import torch

import genprobe
from genprobe.render.page import html
from genprobe.render.page.code_parts import code_parts
from genprobe.render.page.html import to_html


@pytest.fixture(autouse=True)
def _small_library(monkeypatch):
    monkeypatch.setattr(html, "plotly", lambda: "const Plotly = {};")


@pytest.fixture(scope="module")
def report():
    index = torch.randint(100, (200, 2, 3, 3), generator=torch.Generator().manual_seed(0))
    return genprobe.evaluate_posteriors(
        {"index": index, "classes": 256}, family="residual-codes", name="rq", event_shape=(1, 8, 8)
    )


def test_what_is_long_is_shortened(report):
    parts = code_parts(report, "#111111")
    assert parts.shape == "2 × 3 × 3 tokens of 256 codes"
    assert parts.unused.startswith("100, 101, ")
    assert parts.unused.endswith("163 and 92 more")
    assert [row[0] for row in parts.levels] == ["0", "1"]
    assert parts.paid[0].name == "nothing"
    pairs = tuple((i, i + 100) for i in range(70))
    tokens = dataclasses.replace(report.tokens, duplicates=pairs)
    copies = code_parts(dataclasses.replace(report, tokens=tokens), "#111111").copies
    assert copies.startswith("0 = 100; 1 = 101; ")
    assert copies.endswith("; and 6 groups more")


def test_a_page_has_them_with_a_place_for_every_chart(report):
    page = to_html(genprobe.compare([report]))
    content = json.loads(re.search(r'id="page">(.*?)</script>', page)[1])
    assert [chart["id"] for chart in content["charts"]] == ["chart-0-0", "chart-0-1"]
    assert all(f'id="{chart["id"]}"' in page for chart in content["charts"])
    assert "Entropy of the codes by position" in page
    assert "const Plotly" in page  # also where no model has a place on the plane
    assert '<a href="#codes">Codes</a>' in page


def test_several_tokenizers_have_a_table_and_one_chart(report):
    index = torch.randint(100, (200, 2, 2), generator=torch.Generator().manual_seed(1))
    distortion = torch.rand(200)
    found = [
        genprobe.evaluate_posteriors(
            {"index": index[:, :side], "classes": 128},
            name=f"vq{side}",
            dataset="tiles",
            event_shape=(1, 8, 8),
            distortion=distortion + side,
        )
        for side in (1, 2)
    ]
    page = to_html(genprobe.compare(found))
    assert "What a generator pays for the codes, bits a pixel" in page
    assert page.count('id="chart-compared"') == 1
    assert "1×2 of 128" in page


def test_a_code_without_places_has_no_such_part(make_report):
    assert code_parts(make_report(), "#111111") is None
    page = to_html(genprobe.compare([make_report()]))
    assert 'href="#codes"' not in page
    assert json.loads(re.search(r'id="page">(.*?)</script>', page)[1])["charts"] == []
