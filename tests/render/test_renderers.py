"""A renderer is its file and its registration: nothing else has to know of it."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

from genprobe import render
from genprobe.cli.output import Output
from genprobe.plugins.manager import find_plugins
from genprobe.render import RENDERERS, VIEWS

FOLDER = Path(render.__file__).parent


def defined(*folders):
    """Every function and class below some folders, with the module it is in."""
    for path in (path for folder in folders for path in sorted(folder.rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts[1:]), node


def takes_a_report(node):
    """Whether a function makes something of one report, as renderers do."""
    return (
        isinstance(node, ast.FunctionDef)
        and node.name.startswith("to_")
        and bool(node.args.args)
        and ast.unparse(node.args.args[0].annotation or ast.Constant(None)) == "Report"
    )


def test_every_function_that_renders_a_report_is_registered():
    found = {f"{module}:{node.name}" for module, node in defined(FOLDER) if takes_a_report(node)}
    assert found == {*RENDERERS.values(), VIEWS["notebook"], VIEWS["details"]}


@pytest.mark.parametrize("place", [*RENDERERS.values(), *VIEWS.values()])
def test_what_is_registered_is_there(place):
    file, _, name = place.partition(":")
    assert callable(getattr(import_module(f"genprobe.render.{file}"), name))


def test_a_file_and_its_registration_are_all_that_a_renderer_takes(
    tmp_path, monkeypatch, make_report, capsys
):
    code = "def to_shout(report):\n    return report.model.upper() + '!\\n'\n"
    (tmp_path / "shout.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(render, "__path__", [*render.__path__, str(tmp_path)])
    monkeypatch.setitem(RENDERERS, "shout", "shout:to_shout")
    assert find_plugins([]).get("renderers", "shout")(make_report()) == "VAE!\n"
    output = Output(renderer="shout")
    output.require_possible()
    output.print_report(make_report())
    assert capsys.readouterr().out == "VAE!\n"


def test_a_name_has_one_definition():
    """So that it can be searched for; what a record or a model offers under one name may recur."""
    places = {}
    for module, node in defined(FOLDER, FOLDER.with_name("comparing")):
        places.setdefault(node.name, set()).add(module)
    shared = {"z", "broken"}
    assert {name: found for name, found in places.items() if len(found) > 1} == {
        name: places[name] for name in shared if len(places[name]) > 1
    }
