import pytest

from genprobe.analysis.regimes import Cuts
from genprobe.comparing.compare import compare
from genprobe.render.figure.plane_legend import plane_entries
from genprobe.render.plane import plane_of


def words(models, unit="nats", **options):
    left, right = plane_entries(plane_of(compare(models, **options), unit))
    return [text for _, text in left], [" ".join(text.split()) for _, text in right]


def test_every_regime_has_its_boundary(curve):
    left, _ = words(curve(3, entropy=50.0), cuts=Cuts(syntactic=0.6, knee_high=2.0))
    assert left[:6] == [
        "autodecoder: R ≤ 0.5",
        "semantic-decoder: R ≤ 0.05 Ĥ",
        "knee: 0.8 ≤ s ≤ 2",
        "semantic-encoder: R > 0.05 Ĥ",
        "syntactic-encoder: D ≤ 0.6 Ĥ",
        "autoencoder: D ≤ 0.08 Ĥ",
    ]
    assert left[6].endswith("semantic, by slope: knee 0.8–2")


def test_without_an_entropy_the_boundaries_are_of_the_slope(make_model):
    models = [
        make_model("a", 9.0, 60.0, slope=0.7, entropy=None),
        make_model("c", 8.0, 62.0, slope=1.0, entropy=None, label="knee"),
        make_model("b", 19.0, 50.0, slope=0.3, entropy=None, label="syntactic-encoder"),
    ]
    left, right = words(models)
    assert left == [
        "knee: 0.8 ≤ s ≤ 1.25",
        "semantic-encoder: 0.5 < s < 0.8",
        "syntactic-encoder: 0.125 < s ≤ 0.5",
    ]
    assert not any("Ĥ" in text for text in right)


@pytest.mark.parametrize("number", ["90.000 nats", "129.843 bits", "6.492 bits/dim"])
def test_the_entropy_comes_with_its_source(make_model, number):
    _, right = words([make_model("vae", 10.0, 85.0)], number.partition(" ")[2])
    assert right[0] == f"R + D = Ĥ = {number} ≥ H, from R + D of vae"


@pytest.mark.parametrize(
    ("errors", "sure"),
    [
        ((5.0, 9.0), "best ELBO beyond doubt"),
        ((5.0, 0.5), "best ELBO, not beyond doubt"),
        ((), None),
    ],
)
def test_the_best_is_named_and_how_sure_it_is(make_told, errors, sure):
    _, right = plane_entries(plane_of(make_told(*errors)))
    told = [" ".join(text.split()) for _, text in right if text.startswith("bold")]
    assert told == ([f"bold: a, {sure}"] if sure else [])


def test_a_best_whose_differences_are_not_paired_is_not_called_certain(make_model):
    models = [make_model("a", 10.0, 60.0), make_model("b", 20.0, 70.0)]
    for options in ({}, {"against": "b"}):
        _, right = words(models, **options)
        assert [text for text in right if text.startswith("bold")] == ["bold: a, best ELBO"]


def test_only_what_is_drawn_is_explained(make_model):
    _, one = words([make_model("a", 10.0, 60.0)])
    assert [text for text in one if "hull" in text or "frontier" in text or "slope" in text] == []
    _, all_of_it = words(
        [make_model("a", 10.0, 60.0, slope=1.0), make_model("b", 20.0, 50.0), make_model("c", 5.0)]
    )
    for word in ("hull", "frontier", "slope", "ellipse", "no decoder"):
        assert [text for text in all_of_it if word in text], word
