import math

import pytest
import torch

import genprobe
from genprobe.encoding.probe_settings import with_settings
from genprobe.errors import UnavailableError
from genprobe.estimators.stored_probe import stored_probe
from genprobe.plugins import plugins

ROWS = 32
"""Examples a segment."""


class Lengths:
    """A plugin: the length of every example, and the mean of it."""

    def __init__(self):
        self.unit, self.fault = 1.0, None

    @genprobe.hookimpl
    def genprobe_probes(self):
        @with_settings(lambda: {"unit": self.unit})
        def length(x, index):
            if self.fault is not None and int(index[0]) >= ROWS:
                return self.fault(index)
            return x.norm(dim=1)[None] / self.unit

        return {"length": length}

    @genprobe.hookimpl
    def genprobe_estimators(self):
        from genprobe.estimators import mean_over_examples

        return {"length": lambda length: mean_over_examples("length", length, unit="m")}


@pytest.fixture
def lengths():
    """The plugin, registered for one test."""
    plugin = Lengths()
    name = plugins().manager.register(plugin, "lengths")
    yield plugin
    plugins().manager.unregister(name=name)


@pytest.fixture
def evaluate(lengths, tmp_path, monkeypatch):
    monkeypatch.setattr("genprobe.store.format.SEGMENT_ROWS", ROWS)
    x = torch.randn(2 * ROWS, 3)
    model = genprobe.Model(
        name="blur",
        encode=lambda x: {"loc": x, "scale": torch.ones_like(x)},
        posterior="diagonal-normal",
        prior="standard-normal",
    )
    named = {"length": plugins().get("estimators", "length")}
    path = tmp_path / "s.h5"
    return x, lambda: genprobe.evaluate(model, x, store=path, estimators=named)


def test_an_estimator_gets_the_probe_that_it_names(lengths, evaluate):
    x, run = evaluate
    report = run()
    wanted = x.double().norm(dim=1)
    assert report["length"].value == pytest.approx(float(wanted.mean()), rel=1e-6)
    assert report["length"].unit == "m"
    assert report.provenance["probes"] == {"length": {"unit": 1.0}}
    torch.testing.assert_close(
        stored_probe(report.store, "length"), wanted[None], rtol=1e-6, atol=0
    )


def unavailable(index):
    raise UnavailableError(f"Example {int(index[0])} has no length.")


def broken(index):
    raise ValueError("no ruler")


@pytest.mark.parametrize(
    ("fault", "reason", "warned"),
    [
        (unavailable, "Example 32 has no length.", False),
        (broken, "No length: it fails: no ruler.", True),
        (
            lambda index: None,
            "said nothing of 32 of 64 examples, the first of them example 32",
            False,
        ),
        (lambda index: torch.full((1, len(index)), math.nan), "said nothing of 32 of 64", False),
    ],
)
def test_a_number_that_some_examples_lack_is_absent_with_the_reason(
    lengths, evaluate, fault, reason, warned
):
    _, run = evaluate
    lengths.fault = fault
    report = run()
    assert reason in report.provenance["absent"]["length"]
    assert ("probe-failed-length" in {w.code for w in report.warnings}) is warned
    assert "probe-absent-length" not in {w.code for w in report.warnings}


def test_infinite_values_are_values(lengths, evaluate):
    _, run = evaluate
    lengths.fault = lambda index: torch.full((1, len(index)), math.inf)
    assert stored_probe(run().store, "length").isinf().sum() == ROWS


def test_parts_under_other_settings_make_no_number(lengths, evaluate):
    _, run = evaluate

    def other_unit(index):
        lengths.unit = 2.0
        return torch.ones(1, len(index))

    lengths.fault = other_unit
    assert "settings changed" in run().provenance["absent"]["length"]


def test_a_store_without_it_says_so(lengths, evaluate):
    _, run = evaluate
    with pytest.raises(UnavailableError, match="has no width"):
        stored_probe(run().store, "width")
