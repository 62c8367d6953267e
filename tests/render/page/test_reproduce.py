import ast
import shlex
from pathlib import Path
from types import SimpleNamespace

import pytest

import genprobe
from genprobe.cli import main
from genprobe.render.page.reproduce import reproduce


def parsed(text):
    """What genprobe's own command line understands of a command."""
    program, command, *words = shlex.split(text)
    assert program == "genprobe"
    made = main.get_command(None, command).make_context(command, words)
    return command, made.params


def test_the_command_that_was_typed_is_said_again(make_report):
    typed = "genprobe evaluate 'a b.pt' --draws 4 --html page.html"
    facts = {"command": typed, "asked": {"model": "a b.pt", "draws": 4}}
    assert reproduce(make_report(provenance=facts)) == typed


@pytest.mark.parametrize(
    "asked",
    [
        {"model": None, "data": None, "draws": 2},
        {"model": "a'b.pt", "cuts": None, "binarize": "threshold"},
        {"model": "a.pt", "data": None},
        {"model": "w.pt", "data": "x; y.npy", "factory": "mine:build", "store": "s.h5", "seed": 3},
    ],
)
def test_what_was_asked_from_python_is_a_call(make_report, asked):
    call = ast.parse(reproduce(make_report(provenance={"asked": asked})), mode="eval").body
    assert ast.unparse(call.func) == "genprobe.evaluate"
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    given = dict(zip(asked, call.args, strict=False)) | named
    for name, value in asked.items():
        if value is None:
            assert given[name].id == name
        else:
            assert ast.literal_eval(given[name]) == value


def test_a_report_of_a_store_is_shown_again(make_report):
    report = make_report(store=SimpleNamespace(path=Path("a b.h5")), provenance={"tolerance": 0.25})
    command, params = parsed(reproduce(report))
    assert command == "show"
    assert (params["store"], params["tolerance"]) == (Path("a b.h5"), 0.25)


def test_paths_are_written_from_the_current_folder(make_report, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stored = make_report(store=SimpleNamespace(path=tmp_path / "a.h5"))
    asked = make_report(provenance={"asked": {"model": str(tmp_path / "a.pt"), "draws": 2}})
    assert reproduce(stored) == "genprobe show a.h5"
    assert reproduce(asked) == "genprobe.evaluate('a.pt', draws=2)"


def test_where_nothing_says_there_is_no_command(make_report):
    assert reproduce(make_report()) is None


def test_evaluate_records_what_was_asked_and_no_more(tmp_path):
    import numpy as np

    images = tmp_path / "x.npy"
    np.save(images, np.random.default_rng(0).integers(0, 2, (30, 9)).astype("float32"))
    model = genprobe.train(
        genprobe.open_dataset(images), name="m", data=str(images), latent=2, hidden=(4,), epochs=1
    )
    path = tmp_path / "m.pt"
    genprobe.save(model, path)
    asked = genprobe.evaluate(path, seed=5, device="cpu", progress=True).provenance["asked"]
    assert asked == {"model": str(path), "seed": 5, "device": "cpu"}
    assert genprobe.evaluate(model, np.load(images)).provenance["asked"] == {
        "model": None,
        "data": None,
    }
