import itertools

import numpy as np

from genprobe.analysis.regimes import MEANING
from genprobe.render.palette import COLOURS, MODELS, OTHER, model_colours

DARK, LIGHT = "#0f141a", "#ffffff"
"""The papers of the page."""
EYES = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
"""What is seen of linear sRGB: Machado, Oliveira & Fernandes 2009, table 1."""
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
WHITE = np.array([0.95047, 1.0, 1.08883])


def lab(colour, eyes):
    """A colour in CIELAB as some eyes see it."""
    code = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(np.array(eyes) @ linear, 0, 1) / WHITE
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def tinted(colour, paper, share):
    """A colour mixed into paper."""
    mixed = (
        round(share * int(colour[i : i + 2], 16) + (1 - share) * int(paper[i : i + 2], 16))
        for i in (1, 3, 5)
    )
    return "#" + "".join(f"{part:02x}" for part in mixed)


def nearest(pairs):
    """The least distance of two colours by any eyes."""
    return min(
        np.linalg.norm(lab(a, eyes) - lab(b, eyes)) for a, b in pairs for eyes in EYES.values()
    )


def test_every_regime_has_a_colour_of_its_own():
    assert set(COLOURS) == set(MEANING)
    assert len(set(COLOURS.values())) == len(MEANING)


def test_twelve_models_are_told_apart_by_any_eyes():
    assert nearest(itertools.combinations(MODELS, 2)) >= 20


def test_no_model_has_the_colour_of_the_ground_it_lies_on_by_day_or_night():
    tints = [
        tinted(colour, paper, share)
        for paper, share in ((LIGHT, 0.2), (LIGHT, 0.13), (DARK, 0.13))
        for colour in COLOURS.values()
    ]
    assert nearest(itertools.product(MODELS, [LIGHT, DARK, *tints])) >= 20


def test_of_too_many_models_the_first_named_have_a_colour():
    assert model_colours(12) == MODELS
    many = model_colours(50, (7, 3, 7))
    assert (many[7], many[3]) == MODELS[:2]
    assert set(many) == {OTHER, *MODELS[:2]}
