import re
from io import StringIO
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

import genprobe
from genprobe.analysis.findings import FINDINGS
from genprobe.datasets.subset import subset
from genprobe.loaders.open import open_dataset
from genprobe.plugins import plugins
from genprobe.render.text.screen import LINES, middle_cut, report_screen, to_screen
from genprobe.render.text.short_rows import short_rows, summary
from genprobe.render.text.table import plain, report_view
from genprobe.types import Notice

DEMO = sorted((Path(genprobe.__file__).parent / "demo").glob("*.pt"))
LONG = "runs/2024-05-17/beta-vae-with-a-very-long-name-" + "x" * 300
HUGE = 1080143699208.055
WIDTHS = (40, 60, 80, 120)
NAMES = {
    "rate": HUGE,
    "distortion": 2 * HUGE,
    "elbo": -3 * HUGE,
    "iwae_bound": 2.5 * HUGE,
    "mutual_information": 9.0876,
    "log_n": 9.2103,
    "marginal_kl": HUGE - 9.0876,
    "marginal_kl_population_lower": 3.4123,
    "marginal_kl_population_upper": HUGE - 9.0876,
    "mutual_information_population_upper": HUGE - 3.4123,
    "prior_saving": 3.4123,
    "blind_distortion": 1.0,
    "slope": 123456.789,
    "active_units": 2,
}


@pytest.fixture
def hostile(make_report, make_estimate):
    """Everything at once: wide numbers, long names, all warnings, rows of plugins."""

    def make(se=0.0213, draws=8, model=LONG):
        bounds = {"iwae_bound": "upper", "mutual_information_population_upper": "upper"}
        known = {
            name: make_estimate(
                name,
                value,
                se=se,
                se_data=3.21 * se,
                kind=bounds.get(name, "estimate"),
                unit="count" if name == "active_units" else "nats",
            )
            for name, value in NAMES.items()
        }
        known |= {
            f"of_a_plugin_{i}": make_estimate(f"of_a_plugin_{i}", 7.25, unit="examples")
            for i in range(12)
        }
        notices = [
            Notice(code=code, message=f"It is so at {HUGE} of all {i}.", remedy="Do that.")
            for i, code in enumerate(FINDINGS)
        ]
        return make_report(
            model=model,
            dataset=LONG,
            latent=200,
            estimates=known,
            warnings=notices,
            provenance={"draws": draws, "event_shape": [28, 28], "max_error": 0.5},
        )

    return make


def numbers(report, unit):
    """Every number of the first screen that is no count, as it is written."""
    said = [part for row in short_rows(report, unit) for part in (row.value, *row.errors)]
    said += [row.note for row in short_rows(report, unit) if "█" not in row.note]
    found = re.findall(r"\d[\d.]*(?:e\+\d+)?", " ".join([*said, summary(report, unit)]))
    return [number.rstrip(".") for number in found]


def fits_screen(text):
    lines = text.splitlines()
    return len(lines) <= LINES == 24 and max(map(cell_len, lines)) <= 80


@pytest.mark.parametrize("unit", ["nats", "bits", "bits/dim"])
@pytest.mark.parametrize("se", [0.0, 0.0213, 1.5, 1e10])
@pytest.mark.parametrize("draws", [1, 8])
def test_the_worst_model_fits_a_screen(hostile, unit, se, draws):
    text = to_screen(hostile(se, draws), unit)
    assert fits_screen(text), text
    for label in ("R ", "D ", "I(n;z)", "marginal KL", "Regime"):
        assert re.search(rf"^ *{re.escape(label)}", text, re.MULTILINE)
    assert re.search(r"^! \d+ more: \S", text, re.MULTILINE)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("unit", ["nats", "bits/dim"])
@pytest.mark.parametrize("se", [0.0, 0.0213, 1e10])
def test_no_digit_is_cut_at_any_width(hostile, width, unit, se):
    report = hostile(se)
    text = plain(report_screen(report, unit), width)
    assert max(map(cell_len, text.splitlines())) <= width
    shown = re.sub(r"\s", "", text)
    if width < 80:  # there all rows are shown, however many lines they take
        assert [n for n in numbers(report, unit) if n not in shown] == []
    rows = short_rows(report, unit, extras=False)
    assert [row.value for row in rows if re.sub(r"\s", "", row.value) not in shown] in (
        [],
        [rows[0].value],
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_the_whole_table_stacks_rather_than_cut_a_digit(hostile, make_estimate, width):
    report = hostile(0.0)
    report.estimates["wide"] = make_estimate("wide", HUGE, se=HUGE / 7, unit="examples")
    text = plain(report_view(report), width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "1.080e+12" in text
    assert "1.5e+11" in text
    assert "…" not in re.sub(r"1\.000 … 0\.005|\d, …|more {2}.*", "", text.split("Regime")[0])


def test_the_first_lines_say_what_it_is_how_good_and_what_to_do(make_report, make_estimate):
    saving = make_estimate("prior_saving", 3.4123, se_data=0.0312)
    mismatch = Notice(code="prior-mismatch", message="A prior would save.", remedy="Refit.")
    known = dict(make_report().estimates, prior_saving=saving)
    lines = to_screen(make_report(estimates=known, warnings=[mismatch])).splitlines()
    assert lines[:4] == [
        "vae on digits, binarised (threshold): N = 1000, 4 draws each, nats",
        "ELBO −90.00 ± 0.25 nats, R + D = (20.00 ± 0.25) + (70.00 ± 0.25)",
        "> Refit the prior (--write-prior): it would save 3.412 ± 0.031 nats, no",
        "  retraining.",
    ]
    assert lines[-2] == "! prior-mismatch: A prior would save."


def test_the_rows_have_their_bounds_beside_them(make_report, make_estimate):
    known = {
        "log_n": make_estimate("log_n", 9.2103, se_data=0.0, kind="exact"),
        "mutual_information": make_estimate("mutual_information", 9.0783, se_data=0.011),
        "marginal_kl": make_estimate("marginal_kl", 10.4412, se_data=0.021),
        "marginal_kl_population_lower": make_estimate(
            "marginal_kl_population_lower", 3.4123, se_data=0.031, kind="lower"
        ),
        "marginal_kl_population_upper": make_estimate(
            "marginal_kl_population_upper", 10.4412, se_data=0.021, kind="upper"
        ),
        "mutual_information_population_upper": make_estimate(
            "mutual_information_population_upper", 16.1, se_data=0.21, kind="upper"
        ),
    }
    text = to_screen(make_report(estimates=known, provenance={"draws": 1}))
    assert re.search(r"^ +nats +± data$", text, re.MULTILINE)
    assert re.search(r"I\(n;z\) +9\.078 ± 0\.011 +of at most 9\.21$", text, re.MULTILINE)
    assert re.search(
        r"marginal KL +10\.441 ± 0\.021 +3\.412 … 10\.441, the prior mismatch$",
        text,
        re.MULTILINE,
    )
    assert re.search(r"I\(X;Z\) +9\.078 … 16\.10 +for the population$", text, re.MULTILINE)


@pytest.mark.parametrize("lower", [0.0, -2.0, None])
def test_a_vacuous_bound_is_not_printed(make_report, make_estimate, lower):
    known = {
        "marginal_kl": make_estimate("marginal_kl", 2.0),
        "marginal_kl_population_upper": make_estimate("marginal_kl_population_upper", 2.0),
    }
    if lower is not None:
        name = "marginal_kl_population_lower"
        known[name] = make_estimate(name, lower, kind="lower")
    text = to_screen(make_report(estimates=known))
    assert "≤ 2.00, the prior mismatch" in text
    assert "…" not in text.split("Regime")[0]


def test_one_draw_has_one_column_of_errors_and_several_have_two(make_report):
    def heads(draws):
        text = to_screen(make_report(provenance={"draws": draws}))
        return next(x for x in text.splitlines() if x.split()[:1] == ["nats"]).split("±")[1:]

    assert (len(heads(1)), len(heads(4))) == (1, 2)


def test_what_a_model_has_not_is_said_with_the_reason(make_report, make_estimate):
    facts = {"absent": {"distortion": "No distortion: the model has no decoder."}}
    known = {"rate": make_estimate("rate", 5.0)}
    text = to_screen(make_report(estimates=known, provenance=facts))
    assert re.search(r"^  D +– +the model has no decoder$", text, re.MULTILINE)


def test_every_demo_model_fits_a_screen():
    costly = {"total_correlation", "generative_mutual_information"}
    cheap = {k: v for k, v in plugins().all("estimators").items() if k not in costly}
    some = subset(open_dataset("digits", binarize="threshold"), 200, 0)
    assert len(DEMO) == 4
    for path in DEMO:
        text = str(genprobe.evaluate(path, some, estimators=cheap))
        assert fits_screen(text), text
        assert text.count("\n> ") in (1, 2, 3)


def test_colour_adds_nothing_that_is_not_in_the_text(make_report):
    out = StringIO()
    Console(file=out, width=80, force_terminal=True, color_system="standard").print(make_report())
    assert "\x1b[" in out.getvalue()
    bare = re.sub(r"\x1b\[[\d;]*m", "", out.getvalue())
    assert [line.rstrip() for line in bare.splitlines()] == str(make_report()).splitlines()


def test_a_report_prints_its_screen(make_report, capsys):
    print(make_report())
    assert capsys.readouterr().out == to_screen(make_report()) + "\n"


def test_brackets_in_a_name_are_not_markup(make_report):
    assert "vae[beta=4] on digits" in to_screen(make_report(model="vae[beta=4]"))


@pytest.mark.parametrize("name", ["short", LONG, "模型" * 60])
def test_a_name_that_is_cut_keeps_both_ends(name):
    found = middle_cut(name, 30)
    assert cell_len(found) <= 30
    assert (found[:4], found[-4:]) == (name[:4], name[-4:])


def blind(make_report, make_estimate, value, draws):
    known = make_report().estimates | {"blind_distortion": make_estimate("blind_distortion", value)}
    return to_screen(make_report(estimates=known, provenance={"draws": draws}))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (100.0, "10.00 better than without a code"),
        (85.0, "5.00 worse than without a code"),
        (90.0, "the same as without a code"),
    ],
)
def test_the_elbo_is_told_beside_that_of_a_decoder_without_a_code(
    make_report, make_estimate, value, words
):
    """R = 20 and D = 70, so the ELBO is −90."""
    one = blind(make_report, make_estimate, value, 1)
    assert re.search(rf"^  D +70\.00 ± 0\.25 +the ELBO is {re.escape(words)}$", one, re.MULTILINE)


def test_with_several_draws_the_elbo_has_a_row_with_both_errors(make_report, make_estimate):
    known = {"elbo": make_estimate("elbo", -90.0, se=0.03, se_data=0.25)}
    report = make_report(estimates=make_report().estimates | known, provenance={"draws": 4})
    assert re.search(r"^  ELBO +−90\.00 +± 0\.030 +± 0\.25 ", to_screen(report), re.MULTILINE)


def test_warnings_give_way_before_the_lines_that_set_the_parts_apart(make_report):
    many = [Notice(code=f"w{i}", message="It is.", remedy="Do.") for i in range(30)]
    text = to_screen(make_report(warnings=many))
    assert len(text.splitlines()) <= 24
    assert text.count("\n\n") == 3
    assert re.search(r"! \d+ more: w\d", text)


def test_what_does_not_fit_behind_its_number_ends_at_the_right_edge(make_report, make_estimate):
    known = {
        "marginal_kl": make_estimate("marginal_kl", 1080143699198.967, se=0.021),
        "marginal_kl_population_lower": make_estimate("marginal_kl_population_lower", 3.4),
        "marginal_kl_population_upper": make_estimate(
            "marginal_kl_population_upper", 1080143699198.967
        ),
    }
    [line] = [x for x in to_screen(make_report(estimates=known)).splitlines() if "mismatch" in x]
    assert line.startswith(" " * 20)
    assert len(line) == 80
