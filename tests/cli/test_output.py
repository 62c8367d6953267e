import io
import re
from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from rich.text import Text

import genprobe
from genprobe.cli.output import Output, model_progress, print_view, table_width
from genprobe.cli.spelling import in_encoding
from genprobe.errors import UsageError
from genprobe.render.text.screen import to_screen
from genprobe.runtime.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Make standard output a terminal of 60 columns; called in the test, not before it."""

    def stand_in():
        stdout = Terminal()
        monkeypatch.setattr("sys.stdout", stdout)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("COLUMNS", "60")
        monkeypatch.delenv("NO_COLOR", raising=False)
        return stdout

    return stand_in


@pytest.mark.parametrize(
    ("given", "width"), [("", 80), ("60", 60), ("120", 120), ("7", 40), ("wide", 80), ("-4", 80)]
)
def test_a_pipe_has_the_columns_that_are_named(monkeypatch, given, width):
    monkeypatch.setattr("sys.stdout", io.StringIO())
    monkeypatch.setenv("COLUMNS", given)
    assert table_width() == width


def test_a_screen_is_text_in_every_encoding(tiny):
    text = in_encoding(to_screen(genprobe.evaluate(tiny.a)), "ascii")
    assert text.isascii()
    assert "ELBO -" in text
    assert "+/-" in text


VIEW = Text("word " * 40, style="yellow")


def test_a_terminal_gets_colour_and_no_more_columns_than_it_has(terminal):
    stdout = terminal()
    print_view(VIEW)
    assert "\x1b[33m" in stdout.getvalue()
    lines = re.sub(r"\x1b\[[\d;]*m", "", stdout.getvalue()).splitlines()
    assert 40 < max(len(line.rstrip()) for line in lines) <= 60


def test_no_color_is_heeded(terminal, monkeypatch):
    stdout = terminal()
    monkeypatch.setenv("NO_COLOR", "1")
    print_view(VIEW)
    assert "\x1b[33m" not in stdout.getvalue()


def test_a_pipe_gets_80_columns_of_text_and_nothing_else(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    print_view(VIEW)
    out, err = capsys.readouterr()
    assert "\x1b" not in out
    assert err == ""
    assert 60 < max(map(len, out.splitlines())) <= 80


def test_a_pipe_gets_no_colour_even_where_terminals_are_forced(capsys, monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    print_view(VIEW)
    assert "\x1b" not in capsys.readouterr().out


@pytest.fixture
def comparison(monkeypatch):
    """Stands for a comparison: its plane is one line that tells the width asked for."""
    monkeypatch.setattr(
        "genprobe.render.text.plane.plane_to_text", lambda c, unit, width: f"{width}\n"
    )
    return SimpleNamespace(reports=(1, 2))


@pytest.mark.parametrize(
    ("columns", "asked", "expected"),
    [
        (120, {}, "\n110\n"),
        (120, {"markdown": True}, ""),
        (120, {"latex": True}, ""),
        (120, {"renderer": "mine"}, ""),
        (120, {"plane": False}, ""),
        (109, {}, ""),
        (80, {"plane": True}, "\n80\n"),
    ],
)
def test_the_plane_is_printed_where_asked_for_or_where_there_is_room(
    terminal, monkeypatch, comparison, columns, asked, expected
):
    stdout = terminal()
    monkeypatch.setenv("COLUMNS", str(columns))
    Output(**asked).print_plane(comparison)
    assert stdout.getvalue() == expected


def test_the_plane_of_one_model_is_printed_only_when_asked(monkeypatch, terminal, comparison):
    comparison.reports = (1,)
    stdout = terminal()
    monkeypatch.setenv("COLUMNS", "120")
    Output().print_plane(comparison)
    assert stdout.getvalue() == ""
    Output(plane=True).print_plane(comparison)
    assert stdout.getvalue() == "\n110\n"


@pytest.mark.parametrize(
    "asked",
    [
        {"plane": True, "markdown": True},
        {"plane": True, "latex": True},
        {"plane": True, "renderer": "json"},
        {"markdown": True, "latex": True},
        {"renderer": "json", "markdown": True},
    ],
)
def test_standard_output_is_one_thing(asked):
    with pytest.raises(UsageError, match="both say what to print"):
        Output(**asked).require_possible()


def test_each_way_to_print_is_possible_alone():
    for asked in ({"plane": True}, {"markdown": True}, {"latex": True}, {"renderer": "json"}):
        Output(**asked).require_possible()


@pytest.fixture
def renderers(monkeypatch):
    """Renderers of a plugin: one that takes a unit, and two that do not say that they do."""

    class Plain:
        def __call__(self, report):
            return f"plain {report}\n"

    parts = {
        "in-units": lambda report, unit="nats": f"{report} in {unit}\n",
        "plain": Plain(),
        "C": str,
    }
    found = SimpleNamespace(get=lambda kind, name: {"renderers": parts}[kind][name])
    monkeypatch.setattr("genprobe.plugins.plugins", lambda: found)


@pytest.mark.parametrize(
    ("name", "unit", "expected"),
    [
        ("in-units", "bits", "r in bits\n"),
        ("in-units", "nats", "r in nats\n"),
        ("plain", "nats", "plain r\n"),
        ("C", "nats", "r"),
    ],
)
@pytest.mark.usefixtures("renderers")
def test_a_renderer_gets_the_unit_if_it_takes_one(capsys, name, unit, expected):
    output = Output(renderer=name, unit=unit)
    output.require_possible()
    output.print_report("r", "1 of 2: r.pt")
    output.print_comparison(None)
    output.print_plane(None)
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize("name", ["plain", "C"])
@pytest.mark.usefixtures("renderers")
def test_a_unit_that_a_renderer_does_not_take_is_told_before_any_work(name):
    with pytest.raises(UsageError, match=f"The format {name} has no choice of unit") as told:
        Output(renderer=name, unit="bits").require_possible()
    assert "--unit bits" in told.value.remedy


@pytest.mark.parametrize(("wanted", "expected"), [(None, ""), (True, "\n80\n")])
def test_a_pipe_gets_the_plane_only_when_asked(capsys, monkeypatch, comparison, wanted, expected):
    monkeypatch.setenv("COLUMNS", "200")
    Output(plane=wanted).print_plane(comparison)
    assert capsys.readouterr().out == expected


def test_of_several_models_the_display_says_which_and_how_many_are_done(monkeypatch):
    told = []
    mine = Progress(advance=lambda *news: told.append(news), say=lambda *news: told.append(news))
    monkeypatch.setattr(
        "genprobe.runtime.progress.progress_display", lambda wanted: nullcontext(mine)
    )
    with model_progress(["a", "b", "c"], 1, True) as progress:
        assert progress is mine
    assert told == [("models", 1, 3), ("models", "2 of 3: b")]
    with model_progress(["a"], 0, True):
        pass
    assert len(told) == 2
