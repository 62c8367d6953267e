from types import SimpleNamespace

import pytest

import genprobe
from genprobe.cli.output import Output
from genprobe.cli.spelling import in_encoding
from genprobe.errors import UsageError
from genprobe.render.text.screen import to_screen


def test_a_screen_is_text_in_every_encoding(tiny):
    text = in_encoding(to_screen(genprobe.evaluate(tiny.a)), "ascii")
    assert text.isascii()
    assert "ELBO -" in text
    assert "+/-" in text


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
