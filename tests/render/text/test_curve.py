from genprobe.comparing.curve import Chord, Condition, CurveTest
from genprobe.render.text.curve import curve_test_view
from genprobe.render.text.table import plain

HOLDS = Condition(name="convex", betas=(1.0, 0.5, 2.0), value=0.3, se=0.1, n=1000)
CHORD = Chord(betas=(0.5, 1.0), slope=0.7312, se=0.0124)


def text(*conditions, side="training"):
    return plain(curve_test_view(CurveTest(conditions=conditions, chords=(CHORD,)), side))


def breaks(name, *betas, by=0.25):
    return Condition(name=name, betas=betas, value=-by, se=0.01, n=1000)


def test_a_good_curve_is_told_in_a_line_with_its_closest_condition():
    shown = text(HOLDS, breaks("best at its β", 1.0, 2.0, by=0.001))
    assert (
        "Monotone and convex within error: every condition holds, by 3.0 errors at least." in shown
    )
    assert "trained out: " not in shown


def test_chords_show_slope_and_error_between_their_ends():
    [line] = [line for line in text(HOLDS).splitlines() if line.strip().startswith("0.5")]
    assert line.split() == ["0.5", "1", "0.731", "0.012"]


def test_each_break_is_told_with_its_size():
    shown = text(
        breaks("rate falls", 0.5, 1.0),
        breaks("distortion rises", 1.0, 2.0),
        breaks("convex", 2.0, 1.0, 4.0),
        breaks("best at its β", 4.0, 2.0, by=0.5),
        breaks("best at its β", 4.0, 1.0, by=0.4),
    )
    assert "Not monotone and not convex" in shown
    words = " ".join(shown.split())
    assert "R rises from β = 0.5 to 1 by 0.250 ± 0.010 nats." in words
    assert "D falls from β = 1 to 2 by 0.250 ± 0.010 nats." in words
    assert "β = 2 lies above the line between its neighbours by 0.250 ± 0.010 nats." in words
    assert "the model of β = 2 has a lower D + 4 R, by 0.500 ± 0.010 nats." in words
    assert words.count("not trained out") == 1


def test_it_fits_80_columns_and_says_what_holds_on_each_side():
    shown = text(breaks("best at its β", 4.0, 2.0))
    assert max(map(len, shown.splitlines())) <= 80
    assert "has its β between the slopes" in shown
    assert "the curve turns up" in text(HOLDS, side="held-out")
