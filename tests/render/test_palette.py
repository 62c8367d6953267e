from genprobe.analysis.regimes import MEANING
from genprobe.render.palette import COLOURS


def test_every_regime_has_a_colour_of_its_own():
    assert set(COLOURS) == set(MEANING)
    assert len(set(COLOURS.values())) == len(MEANING)
