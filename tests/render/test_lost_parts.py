import dataclasses

import pytest

from genprobe.comparing.compare import compare
from genprobe.render.lost_parts import lost_parts
from genprobe.render.page.html import to_html


@pytest.fixture
def report(make_report, make_inference):
    """−ELBO 90, of which 9 are lost: 6 by the encoder, and 3.1 by the family, biases taken off."""
    gaps = {"inference_gap": 9.0, "amortization_gap": 6.0, "approximation_gap": 3.1}
    made = {name: make_inference.estimate(name, value) for name, value in gaps.items()}
    found = make_report()
    estimates = {**found.estimates, **made}
    return dataclasses.replace(found, estimates=estimates, inference=make_inference())


def test_the_parts_add_up_to_the_elbo(report):
    parts = lost_parts(report)
    assert [part.nats for part in parts] == pytest.approx([81.0, 3.0, 6.0])
    assert sum(part.nats for part in parts) == pytest.approx(-report["elbo"].value)
    assert lost_parts(dataclasses.replace(report, inference=None)) == []


def test_the_page_has_a_bar_of_them_and_the_points_of_the_curve(report):
    page = to_html(compare([report]))
    assert '<a href="#lost">Inference</a>' in page
    for width in ("81.0", "3.0", "6.0"):
        assert f'style="flex-grow: {width}"' in page
    assert "gradient steps at test time" in page
    assert '<th scope="row">0.5</th>' in page
    bare = to_html(compare([dataclasses.replace(report, inference=None)]))
    assert 'id="lost"' not in bare
