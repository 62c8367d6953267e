import warnings

import matplotlib
import pytest
from matplotlib.colors import to_rgb

from genprobe.analysis.regimes import MEANING
from genprobe.render.figure.style import COLOURS, MARKERS, STYLE, drawing, tint


def test_every_regime_has_a_colour_and_a_marker_of_its_own():
    for look in (COLOURS, MARKERS):
        assert set(look) == set(MEANING)
        assert len(set(look.values())) == len(MEANING)


def test_the_user_s_settings_neither_count_nor_change():
    with matplotlib.rc_context({"font.size": 30.0, "axes.grid": True}):
        before = dict(matplotlib.rcParams)
        with drawing():
            assert matplotlib.rcParams["font.size"] == STYLE["font.size"]
            assert not matplotlib.rcParams["axes.grid"]
        assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_a_tint_is_a_mixture_with_white(share):
    red, green, blue = to_rgb("#009E73")
    assert tint("#009E73", share) == pytest.approx(
        tuple(1 - share * (1 - c) for c in (red, green, blue))
    )


def test_other_warnings_are_still_told():
    with drawing(), pytest.warns(UserWarning, match="something else"):
        warnings.warn("something else", UserWarning, stacklevel=1)
