import dataclasses
import logging
import os

import pytest
import torch

import genprobe
from genprobe.comparing.inputs import (
    named_by,
    read_reports,
    told_apart,
)
from genprobe.errors import GenprobeError, UsageError
from genprobe.render.page.reproduce import reproduce
from genprobe.runtime.progress import Progress
from genprobe.types import Regime, Report

X = torch.rand(30, 3, generator=torch.Generator().manual_seed(0))
MODEL = genprobe.Model(
    name="mine",
    encode=lambda x: {"loc": x, "scale": torch.full_like(x, 0.5)},
    posterior="diagonal-normal",
    prior="standard-normal",
)
PLACE = Regime(
    label="undetermined",
    probability=1.0,
    alternatives=(),
    by_position=None,
    by_slope=None,
    entropy=None,
    entropy_source=None,
    reasons=(),
)


def report(name="vae", n=10):
    return Report(
        model=name,
        dataset="digits",
        n=n,
        estimates={},
        dimensions=(),
        regime=PLACE,
        warnings=(),
        provenance={},
    )


def test_names_of_their_own_stay_as_they_are():
    assert list(told_apart([report("a"), report("b")], ["x", "y"])) == ["a", "b"]


def test_models_of_one_name_are_told_apart_by_their_origin():
    found = told_apart([report(n=1), report(n=2), report("b")], ["runs/1.h5", "runs/2.h5", "z"])
    assert list(found) == ["vae (runs/1)", "vae (runs/2)", "b"]
    assert [r.n for r in found.values()] == [1, 2, 10]


def test_a_report_given_twice_is_shown_once_and_told(caplog):
    with caplog.at_level(logging.WARNING, "genprobe"):
        found = told_apart([report(), report(), report("b")], ["r.json", "r.json", "b.json"])
    assert list(found) == ["vae", "b"]
    assert caplog.messages == ["vae (r.json) is given twice and shown once."]


def test_a_report_as_given_is_the_report():
    made = report()
    assert read_reports([made])[0] is made


def test_a_report_of_a_newer_schema_is_told_with_its_file(tmp_path):
    path = tmp_path / "r.json"
    text = dataclasses.replace(report()).to_json().replace("genprobe.report/1", "genprobe.report/2")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GenprobeError, match=r"r\.json has the schema \S+report/2.*\n.*Upgrade"):
        read_reports([path])


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"a": 1}', b"neither", b"{\xff"])
def test_a_file_that_is_neither_is_told_with_its_path(tmp_path, content):
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GenprobeError, match="file"):
        read_reports([path])


def test_a_store_without_a_report_gets_one_that_the_next_reader_takes(tmp_path, monkeypatch):
    genprobe.evaluate(MODEL, X, store=tmp_path / "s.h5")
    (tmp_path / "s.h5.report.json").unlink()
    first = read_reports([tmp_path / "s.h5"])[0]
    monkeypatch.setattr("genprobe.comparing.inputs.build_report", None)
    again = read_reports([tmp_path / "s.h5"])[0]
    assert again.estimates == first.estimates
    assert reproduce(again) == f"genprobe show {os.path.relpath(tmp_path / 's.h5')}"


def test_several_processes_make_the_same_reports_and_keep_them(tmp_path, monkeypatch):
    paths = [tmp_path / "a.h5", tmp_path / "b.h5"]
    for scale, path in enumerate(paths, 1):
        params = {"loc": X, "scale": torch.full_like(X, 0.1 * scale)}
        genprobe.evaluate_posteriors(params, store=path)
    alone = read_reports(paths)
    for path in paths:
        path.with_name(f"{path.name}.report.json").unlink()
    monkeypatch.setattr("genprobe.comparing.inputs.STORES_A_PROCESS", 1)
    together = read_reports([*paths, paths[0]], jobs=2)
    assert [r.estimates for r in together] == [r.estimates for r in (*alone, alone[0])]
    assert [r.store.path for r in together] == [*paths, paths[0]]
    assert all(path.with_name(f"{path.name}.report.json").exists() for path in paths)


def test_how_many_of_several_are_read_is_told():
    told = []
    shown = Progress(
        advance=lambda stage, done, total: told.append((stage, done, total)),
        say=lambda stage, text: told.append((stage, text)),
    )
    read_reports([report("a"), report("b")], shown)
    assert told == [
        ("models", "1 of 2"),
        ("models", 1, 2),
        ("models", "2 of 2"),
        ("models", 1, 2),
    ]


PLACES = {
    "vae (a/beta-0.5)": "runs/a/beta-0.5/m.pt",
    "vae (b.h5)": "runs/b.h5",
    "c": "c.report.json",
}


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("vae (b.h5)", "vae (b.h5)"),
        ("b.h5", "vae (b.h5)"),
        ("b", "vae (b.h5)"),
        ("runs/b.h5", "vae (b.h5)"),
        ("a/beta-0.5", "vae (a/beta-0.5)"),
        ("beta-0.5", "vae (a/beta-0.5)"),
        ("m", "vae (a/beta-0.5)"),
        ("c.report.json", "c"),
    ],
)
def test_a_model_is_named_by_what_tells_it_apart(wanted, name):
    assert named_by(wanted, PLACES) == name


def test_a_model_is_named_by_its_whole_name_where_its_label_is_shorter():
    assert named_by("vae_1", {"v1": "", "v2": ""}, {"v1": "vae_1", "v2": "vae_2"}) == "v1"


@pytest.mark.parametrize("wanted", ["beta-0", "vae", "", "nonsense"])
def test_a_name_of_no_model_lists_those_there_are(wanted):
    with pytest.raises(UsageError, match=rf"no model '{wanted}'.*\n.*, vae \(b\.h5\), c\."):
        named_by(wanted, PLACES)


def test_a_name_of_several_models_lists_them():
    places = {"x": "1/m.pt", "y": "2/m.pt", "z": "z.pt"}
    with pytest.raises(UsageError, match=r"'m' .* any of 2 models.\nThere is x, y\."):
        named_by("m", places)


def test_a_report_that_cannot_stand_for_its_store_stays_on_disk(tmp_path):
    genprobe.evaluate(MODEL, X, store=tmp_path / "s.h5", max_queries=20)
    before = (tmp_path / "s.h5.report.json").read_text(encoding="utf-8")
    assert read_reports([tmp_path / "s.h5"])[0].provenance["queries"] > 20
    assert (tmp_path / "s.h5.report.json").read_text(encoding="utf-8") == before
