import dataclasses
import inspect
from pathlib import Path

import click
import pytest
import torch

import genprobe
from genprobe.analysis.options import Options
from genprobe.analysis.regimes import Cuts
from genprobe.cli import main
from genprobe.errors import PluginError, UsageError
from genprobe.plugins import plugins

NOT_OPTIONS = {"model", "data", "progress"}


def defaults(function):
    return {name: p.default for name, p in inspect.signature(function).parameters.items()}


@pytest.fixture(scope="module")
def store_of_two(tmp_path_factory):
    params = {"loc": torch.arange(2.0)[:, None], "scale": torch.ones(2, 1)}
    path = tmp_path_factory.mktemp("options") / "s.h5"
    genprobe.evaluate_posteriors(params, estimators=["rate"], store=path)
    return genprobe.open_store(path)


RECORD = {field.name: field.default for field in dataclasses.fields(Options)}


def test_the_record_has_every_option_of_evaluate_with_its_default():
    given = defaults(genprobe.evaluate)
    assert {k: v for k, v in given.items() if k not in NOT_OPTIONS} == RECORD


def test_a_report_of_a_store_has_the_same_defaults():
    given = defaults(genprobe.report_from_store)
    assert {k: v for k, v in given.items() if k not in ("store", "progress", "device")}.items() <= (
        RECORD.items()
    )


@pytest.mark.parametrize("command", ["evaluate", "show"])
def test_an_option_of_the_command_line_has_the_same_default(command):
    group = click.Context(main, **main.context_settings)  # a command remembers its help option
    given = main.get_command(group, command).make_context(command, ["m.pt"], parent=group).params
    shared = {k: v for k, v in RECORD.items() if k in given and k != "store"}
    assert len(shared) > 4
    assert {name: given[name] for name in shared} == shared


def test_what_was_asked_is_what_differs_from_the_defaults():
    options = Options(draws=4, store=Path("s.h5"), cuts=Cuts(certain=0.9))
    assert options.asked("m.pt", [1.0]) == {
        "model": "m.pt",
        "data": None,
        "store": "s.h5",
        "draws": 4,
        "cuts": None,
    }
    assert Options(pictures=True).asked("m.pt") == {"model": "m.pt"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"draws": 0}, "draws must be positive"),
        ({"tolerance": float("inf")}, "tolerance must be positive and finite"),
        ({"entropy": -1.0}, "entropy must be positive"),
        ({"dtype": "float16"}, "dtype must be one of float32, float64"),
        ({"inference": 0}, "inference must be positive"),
        ({"simulate": 5}, "simulate says how inference is looked into"),
        ({"inference": 5, "decoder_curve": [1, -2]}, "β of decoder_curve must be positive"),
        ({"inference": 5, "decoder_curve": ["one"]}, "decoder_curve must be True, or values"),
        ({"inference": 5, "decoder_curve": 3}, "decoder_curve must be True, or values"),
    ],
)
def test_a_choice_that_makes_no_sense_is_named(given, words):
    with pytest.raises(UsageError, match=words):
        require_all(Options(**given))


def require_all(options):
    options.require_valid()
    options.require_inference()


def test_estimators_are_asked_for_by_name(store_of_two):
    named = genprobe.report_from_store(store_of_two, estimators=["rate"])
    assert list(named.estimates) == ["rate"]
    given = {"rate": plugins().get("estimators", "rate")}
    assert genprobe.report_from_store(store_of_two, estimators=given)["rate"] == named["rate"]


@pytest.mark.parametrize("estimators", [3, [3], {"rate": "rate"}, {"rate": None}])
def test_what_is_no_estimator_is_refused(store_of_two, estimators):
    with pytest.raises(UsageError, match="names, or functions by name"):
        genprobe.report_from_store(store_of_two, estimators=estimators)


def test_an_estimator_that_nobody_provides_is_named(store_of_two):
    with pytest.raises(PluginError, match="no estimator 'rates'"):
        genprobe.report_from_store(store_of_two, estimators=["rates"])
