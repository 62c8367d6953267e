import dataclasses
import itertools

import pytest

from genprobe.render.text.label_lines import label_lines, short_label_lines
from genprobe.render.text.latex import to_latex
from genprobe.render.text.markdown import to_markdown
from genprobe.render.text.screen import LINES, to_screen
from genprobe.render.text.short_rows import Scale
from genprobe.render.text.table import to_text
from genprobe.report.labels import LabelReport, Leak

NATS = Scale("nats", 1.0, 3)
HIDDEN = Leak(lower=0.0, upper=0.0213, p_value=0.41, permutations=99, power=0.013)
SHOWN = Leak(lower=0.4, upper=0.6, p_value=0.01, permutations=99, power=0.013)
VALUES = {
    "label_entropy": (2.3009, 0.002, "estimate"),
    "label_information_index": (2.2961, 0.0003, "estimate"),
    "label_information": (2.1604, 0.0051, "lower"),
    "label_information_upper": (2.3004, 0.0012, "upper"),
    "label_remainder": (14.31, 0.12, "lower"),
    "label_remainder_upper": (17.22, 0.11, "upper"),
}


@pytest.fixture
def make_label(make_estimate):
    def make(name="digit", leak=None, **values):
        known = {k: (value, error, kind) for k, (value, error, kind) in VALUES.items()}
        known |= {k: (v, 0.0051, VALUES[k][2]) for k, v in values.items()}
        estimates = {
            k: make_estimate(k, value, se_data=error, kind=kind)
            for k, (value, error, kind) in known.items()
        }
        estimates["label_share"] = make_estimate("label_share", 0.939, se_data=0.01, unit="share")
        estimates["label_gap"] = make_estimate("label_gap", 0.05, se_data=0.01, unit="share")
        return LabelReport(
            name=name,
            classes=tuple(map(str, range(10))),
            n=9988,
            missing=12,
            estimates=estimates,
            dimensions=(),
            informative=(3, 7, 1, 0, 2, 4),
            candidate="quadratic",
            accuracy=0.971,
            saturated=True,
            leak=leak,
        )

    return make


def test_a_label_takes_four_lines_and_the_first_says_the_most(make_label):
    assert label_lines(make_label(), NATS) == [
        "digit: 2.1604 ± 0.0051 … 2.3004 of H = 2.3009 nats (94 %), 10 classes",
        "quadratic names 97.1 % right; 12 without; besides it 14.31 … 17.22 nats",
        "for these N 2.29610 ± 0.00030, saturated (a random label has as much)",
        "dimensions 3, 7, 1, 0, 2 and 1 more; MIG 0.050 ± 0.010",
    ]


def test_the_verdict_on_a_leak_is_the_second_line(make_label):
    none = make_label("batch", HIDDEN, label_information=0.0)
    assert short_label_lines(none, NATS) == [
        "batch: none for sure, at most 2.3004 of H = 2.3009 nats, 10 classes",
        "no leak found: at most 0.021 nats (0.9 % of H) at 95 %, p = 0.41",
    ]
    found = short_label_lines(make_label("batch", SHOWN), NATS)[1]
    assert found == "leaks at least 0.400 nats (17.4 % of H) at 95 %, p = 0.01"


def test_nats_are_in_the_unit(make_label):
    first = label_lines(make_label(), Scale("bits", 0.5, 3))[0]
    assert first.startswith("digit: 4.321 ± 0.010 … 4.6008 of H = 4.6018 bits")


def test_every_output_has_every_label(make_report, make_label):
    labels = {"digit": make_label(), "a|b": make_label("a|b", SHOWN)}
    report = make_report(labels=labels)
    alone = to_screen(make_report(labels={"digit": make_label(leak=SHOWN)}))
    for text in (alone, to_text(report), to_markdown(report), to_latex(report)):
        flat = " ".join(text.replace("$", "").split())
        for words in ("digit: 2.1604", "saturated (a random", "leaks at least 0.400"):
            assert words in flat
    for text in (
        to_text(report),
        to_markdown(report, details=True),
        to_latex(report, details=True),
    ):
        assert "label information I(y;z)" in text
        assert "2.296" in text
    assert r"a\|b: 2.16" in to_markdown(report)


@pytest.mark.parametrize("count", [1, 2, 9, 40])
def test_a_screen_of_many_labels_is_still_a_screen(make_report, make_label, count):
    labels = {f"y{i}": make_label(f"y{i}", SHOWN) for i in range(count)}
    lines = to_screen(make_report(labels=labels)).splitlines()
    assert len(lines) <= LINES
    assert max(map(len, lines)) <= 80
    assert "y0: 2.16" in " ".join(lines)
    shown = sum(": 2.1604" in line for line in lines)
    assert shown == count or f"{count - shown} more: y{shown}, " in " ".join(lines)


def test_texts_of_others_are_escaped(make_report, make_label):
    odd = dataclasses.replace(make_label("a\x1b[31m"), candidate="q\n")
    report = make_report(labels={"a\x1b[31m": odd})
    for make, details in itertools.product((to_markdown, to_latex), (False, True)):
        assert "\x1b" not in make(report, details=details)
    assert "\x1b" not in to_screen(report) + to_text(report)
