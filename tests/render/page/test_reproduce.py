import ast
import shlex
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import genprobe
from genprobe.cli import main
from genprobe.comparing.comparison import compare
from genprobe.render.page.reproduce import reproduce, reproduce_models, reproduce_stores


def parsed(text):
    """What genprobe's own command line understands of a command."""
    program, command, *words = shlex.split(text)
    assert program == "genprobe"
    made = main.get_command(None, command).make_context(command, words)
    return command, made.params


@pytest.mark.parametrize("model", ["runs/a.pt", "my run's/$(reboot).pt", "bundle:a b.pt"])
def test_the_command_says_again_what_was_asked(make_report, model):
    asked = {"model": model, "data": "x; y.npy", "draws": 4, "tolerance": 0.5, "trust": True}
    command, params = parsed(reproduce(make_report(provenance={"asked": asked})))
    assert command == "evaluate"
    assert params["models"] == (model,)
    assert {k: params[k] for k in ("data", "draws", "tolerance", "trust")} == {
        k: asked[k] for k in ("data", "draws", "tolerance", "trust")
    }


def test_a_factory_is_named_with_model_and_a_store_stays(make_report):
    asked = {"model": "w.pt", "factory": "mine:build", "store": "s.h5", "seed": 3}
    _, params = parsed(reproduce(make_report(provenance={"asked": asked})))
    assert (params["factory"], params["store"], params["seed"]) == ("mine:build", Path("s.h5"), 3)


@pytest.mark.parametrize(
    "asked",
    [
        {"model": None, "data": None, "draws": 2},
        {"model": "a'b.pt", "cuts": None, "binarize": "threshold"},
        {"model": "a.pt", "data": None},
    ],
)
def test_what_has_no_text_of_its_own_is_a_call_from_python(make_report, asked):
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


def test_where_nothing_says_there_is_no_command(make_report):
    assert reproduce(make_report()) is None


@pytest.fixture
def compared(make_report):
    """A comparison of reports with these changes; the stores that it names need not be there."""

    def compared(*changes, **content):
        names = [chr(ord("a") + i) for i in range(len(changes))]
        plain = compare([make_report(model=name) for name in names], sort="name")
        reports = [
            replace(report, **change) for report, change in zip(plain.reports, changes, strict=True)
        ]
        return replace(plain, reports=tuple(reports), **({"sort": "rate"} | content))

    return compared


def asked(**options):
    return {"provenance": {"asked": options}}


def test_models_whose_stores_were_kept_are_compared_again(compared):
    kept = {"provenance": {"asked": {"model": "a.pt", "store": "a b.h5"}, "store": "a b.h5"}}
    shown = {"store": SimpleNamespace(path=Path("c.h5"))}
    temporary = {
        "provenance": {"asked": {"model": "a.pt"}, "store": None},
        "store": SimpleNamespace(path=Path("/tmp/x/store.h5")),
    }
    command, params = parsed(reproduce_stores(compared(kept, shown), "nats"))
    assert command == "compare"
    assert params["sources"] == ("a b.h5", "c.h5")
    assert params["html_path"] == Path("report.html")
    assert reproduce_stores(compared(kept, temporary), "nats") is None
    assert reproduce_stores(compared(kept), "nats") is None


def test_models_that_were_asked_for_alike_are_evaluated_together(compared):
    alike = compared(asked(model="a b.pt", draws=4), asked(model="c.pt", draws=4))
    command, params = parsed(reproduce_models(alike, "bits"))
    assert command == "evaluate"
    assert (params["models"], params["draws"]) == (("a b.pt", "c.pt"), 4)
    assert (params["unit"], params["html_path"]) == ("bits", Path("report.html"))


@pytest.mark.parametrize(
    "changes",
    [
        [asked(model="a.pt", draws=4), asked(model="b.pt", draws=2)],
        [asked(model="a.pt", store="s.h5"), asked(model="b.pt", store="s.h5")],
        [asked(model="a.pt", data=None), asked(model="b.pt", data=None)],
        [asked(model="a.pt"), {"provenance": {}}],
        [asked(model="a.pt")],
    ],
)
def test_what_one_command_cannot_say_has_no_joint_one(compared, changes):
    assert reproduce_models(compared(*changes), "nats") is None


def test_the_options_of_the_comparison_are_said_again(compared):
    found = compared(
        asked(model="a.pt"),
        asked(model="b.pt"),
        sort="elbo",
        best="a",
        reference="b",
        side_by_side=True,
    )
    _, params = parsed(reproduce_models(found, "nats"))
    assert (params["sort"], params["against"], params["side_by_side"]) == ("elbo", "b", True)


def test_a_bound_that_was_given_to_a_comparison_is_given_again(compared):
    stores = [{"store": SimpleNamespace(path=Path(name))} for name in ("a.h5", "b.h5")]
    found = compared(*stores, entropy=90.5, entropy_source="given")
    assert parsed(reproduce_stores(found, "nats"))[1]["entropy"] == 90.5


def test_of_a_report_alone_the_page_is_made_too(make_report):
    report = make_report(**asked(model="a.pt"))
    assert parsed(reproduce(report, "nats"))[1]["html_path"] == Path("report.html")
    assert parsed(reproduce(report))[1]["html_path"] is None


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
