import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import genprobe
from genprobe.store.report_cache import (
    cache_path,
    cached_report,
    checksum_of,
    find_store,
    write_cached_report,
)
from genprobe.types import Notice, Report

X = torch.rand(30, 3, generator=torch.Generator().manual_seed(0))


def model(scale=0.5):
    return genprobe.Model(
        name="mine",
        encode=lambda x: {"loc": x, "scale": torch.full_like(x, scale)},
        posterior="diagonal-normal",
        prior="standard-normal",
    )


@pytest.fixture
def evaluated(tmp_path, monkeypatch):
    """A report and its store, in the folder where a report names it."""
    monkeypatch.chdir(tmp_path)
    report = genprobe.evaluate(model(), X, store="s.h5", bin_width=0.25, tolerance=0.1)
    return report, genprobe.open_store("s.h5")


def test_a_report_is_kept_beside_its_store_as_it_was_made(evaluated):
    report, store = evaluated
    found = cached_report(store)
    assert found.to_dict() == json.loads(report.to_json())
    assert found.provenance["bin_width"] == 0.25


def test_what_is_kept_is_a_report_like_any_other(evaluated):
    report, _ = evaluated
    text = Path("s.h5.report.json").read_text(encoding="utf-8")
    assert Report.from_json(text).estimates == report.estimates
    assert not list(Path().glob("*.partial"))


def test_a_report_that_lacks_what_an_estimator_failed_at_is_made_again(evaluated):
    report, store = evaluated
    failed = Notice(code="estimator-failed", message="It failed.", remedy="Mend it.")
    write_cached_report(replace(report, warnings=[*report.warnings, failed]), store.path)
    assert cached_report(store) is None


def kept(change, store, seal):
    """What is kept after a change, with a checksum that fits."""
    content = json.loads(cache_path(store.path).read_text(encoding="utf-8"))
    del content["provenance"]["kept"]
    change(content)
    content["provenance"]["kept"] = {"store": seal, "checksum": checksum_of(content)}
    cache_path(store.path).write_text(json.dumps(content), encoding="utf-8")


def edit(content):
    content["estimates"]["rate"]["value"] = 0.5


def test_a_figure_that_was_edited_is_not_taken(evaluated):
    _, store = evaluated
    content = json.loads(cache_path(store.path).read_text(encoding="utf-8"))
    edit(content)
    cache_path(store.path).write_text(json.dumps(content), encoding="utf-8")
    assert cached_report(store) is None
    with pytest.raises(genprobe.errors.GenprobeError, match=r"s\.h5\.report\.json was changed"):
        genprobe.compare(["s.h5.report.json"])


def test_the_report_of_another_store_is_not_taken(evaluated):
    _, store = evaluated
    kept(edit, store, store.seal)
    assert cached_report(store)["rate"].value == 0.5
    kept(edit, store, "another")
    assert cached_report(store) is None


def test_the_report_of_an_older_genprobe_is_replaced_once(evaluated):
    report, store = evaluated
    kept(lambda content: content["provenance"].update(genprobe="0.0.0"), store, store.seal)
    assert cached_report(store) is None
    genprobe.compare(["s.h5"])
    assert cached_report(store)["rate"] == report["rate"]


@pytest.mark.parametrize(
    "change",
    [
        {"genprobe": "0.0.0"},
        {"asked": {"prior": "laplace"}},
        {"asked": [1]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_report_of_something_else_is_not_taken(evaluated, change):
    _, store = evaluated
    kept(lambda content: content["provenance"].update(change), store, store.seal)
    assert cached_report(store) is None


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b'{"schema": "genprobe.report/9"}'])
def test_what_is_no_report_is_passed_over(evaluated, content):
    _, store = evaluated
    cache_path(store.path).unlink()
    if content is not None:
        cache_path(store.path).write_bytes(content)
    assert cached_report(store) is None


def test_a_folder_where_nothing_can_be_kept_is_no_fault(evaluated):
    os.unlink("s.h5.report.json")
    os.mkdir("s.h5.report.json")
    assert genprobe.evaluate(model(), X, store="s.h5").n == 30
    assert not list(Path().glob("*.partial"))


def test_a_new_evaluation_replaces_what_was_kept(evaluated):
    _, store = evaluated
    genprobe.evaluate(model(), X, store="s.h5", bin_width=0.5)
    assert cached_report(store).provenance["bin_width"] == 0.5


def test_a_report_finds_its_store_from_anywhere(evaluated, monkeypatch, tmp_path):
    report, store = evaluated
    (tmp_path / "r.json").write_text(report.to_json(), encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert find_store(report, Path("../r.json")).header == store.header
    assert find_store(report, Path("r.json")) is None


def test_a_store_of_another_model_in_its_place_is_not_taken(evaluated):
    report, _ = evaluated
    genprobe.evaluate(model(0.2), X, store="s.h5", fresh=True, seed=3)
    assert find_store(report, Path("r.json")) is None


def test_a_report_without_a_store_has_none():
    report = genprobe.evaluate(model(), X)
    assert find_store(report, Path("r.json")) is None
