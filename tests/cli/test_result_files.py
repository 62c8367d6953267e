"""No result of a command takes the place of a file that is an input or somebody else's."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from genprobe.cli.result_files import RESULTS, flag_of

ARCHIVES = Path(__file__).parents[1] / "archives"
ENDINGS = {"--json": ".json", "--csv": ".csv", "--html": ".html", "--plot": ".svg"}


def contents(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def shown(tmp_path):
    """The command that shows a report, which lies in the folder that commands run in."""
    shutil.copy(ARCHIVES / "0.1.2" / "report.json", tmp_path / "shown.json")
    return "compare", "shown.json"


def test_every_result_is_among_those_that_are_tried():
    flags = {flag_of(name) for name in RESULTS}
    elsewhere = {"--write-prior", "--card"}  # which compare has not: test_prior_file, test_card
    assert flags == {*ENDINGS, *elsewhere}


@pytest.mark.parametrize("option", ENDINGS)
def test_own_results_are_replaced_and_other_files_are_not(run, tmp_path, shown, option):
    path = tmp_path / f"r{ENDINGS[option]}"
    path.touch()
    for _ in range(2):
        assert run(*shown, option, path).exit_code == 0
        assert path.stat().st_size > 100
    for content in (b"my notes", b'{"schema": "theirs/1"}', path.read_bytes()[1:]):
        path.write_bytes(content)
        result = run(*shown, option, path)
        assert result.exit_code == 1
        assert f"{path} is there and is not " in result.stderr
        assert result.stdout == ""
        assert path.read_bytes() == content


@pytest.mark.parametrize("option", ENDINGS)
@pytest.mark.parametrize("name", ["folder", "absent/r"])
def test_folders_and_paths_in_none_are_refused_before_anything_is_done(
    run, tmp_path, shown, option, name
):
    (tmp_path / f"folder{ENDINGS[option]}").mkdir()
    result = run(*shown, option, f"{name}{ENDINGS[option]}")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 2


@pytest.mark.parametrize("link", [None, os.symlink, os.link])
@pytest.mark.parametrize("option", ["--json", "--csv", "--html"])
def test_an_input_of_any_kind_is_kept_whatever_it_is_called(run, tmp_path, option, link):
    for name in ("report.json", "comparison.json"):
        shutil.copy(ARCHIVES / "0.1.2" / "report.json", tmp_path / name)
    path = "report.json"
    if link is not None:
        path = "other"
        link(tmp_path / "report.json", tmp_path / path)
    before = contents(tmp_path)
    result = run("compare", "report.json", "comparison.json", "--side-by-side", option, path)
    assert result.exit_code == 2
    assert f"{option} {path} is also an input of this command." in result.stderr
    assert contents(tmp_path) == before


@pytest.mark.parametrize("link", [False, True])
def test_two_results_cannot_be_one_file(run, tmp_path, shown, link):
    if link:
        (tmp_path / "r.csv").symlink_to("r.json")
    result = run(*shown, "--json", "r.json", "--html", "r.csv" if link else "./r.json")
    assert result.exit_code == 2
    assert "is also the file of --" in result.stderr
    assert not (tmp_path / "r.json").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--store", "a.pt", "--fresh"),
        ("--store", "x.npy", "--fresh"),
        ("--store", "labels.npy", "--fresh"),
        ("--store", "theirs.h5", "--fresh"),
        ("--store", "notes.txt", "--fresh"),
        ("--store", "folder"),
        ("--store", "folder", "--fresh"),
        ("--store", "pipe"),
        ("--json", "x.npy"),
        ("--json", "a.pt"),
        ("--write-prior", "theirs.npz"),
        ("--csv", "cuts.toml", "--regime-cuts", "cuts.toml"),
        ("--html", "x.npy"),
        ("--store", "new.h5", "--json", "new.h5"),
        ("--store", "new.h5", "--json", "new.h5.report.json"),
    ],
    ids=" ".join,
)
def test_evaluate_refuses_before_it_reads_or_writes_anything(run, tmp_path, tiny, arguments):
    shutil.copy(tiny.a, tmp_path / "a.pt")
    np.save(tmp_path / "x.npy", np.load(tiny.images))
    np.save(tmp_path / "labels.npy", np.zeros(60))
    np.savez(tmp_path / "theirs.npz", prior="standard-normal", loc=np.zeros(3))
    shutil.copy(ARCHIVES / "0.1.2" / "unfinished" / "00000000.h5", tmp_path / "theirs.h5")
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "cuts.toml").write_text("")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    before = contents(tmp_path)
    result = run("evaluate", "a.pt", "--data", "x.npy", "--quiet", *arguments)
    assert result.exit_code in (1, 2), result.stderr
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 2
    assert result.stdout == ""
    assert contents(tmp_path) == before


def test_a_result_that_cannot_be_written_costs_no_other(run, tmp_path, shown, monkeypatch):
    from genprobe.runtime import output_file

    write = output_file.write_result

    def refuse(path, content, kind):
        if path.suffix == ".json":
            (tmp_path / "r.json").write_text("came in between")
        write(path, content, kind)

    monkeypatch.setattr(output_file, "write_result", refuse)
    result = run(*shown, "--json", "r.json", "--csv", "r.csv", "--html", "r.html")
    assert result.exit_code == 1
    assert result.stderr.count("Error: r.json is there and is not a report") == 1
    assert "1 model on waves" in result.stdout
    assert (tmp_path / "r.csv").exists()
    assert (tmp_path / "r.html").exists()
    assert (tmp_path / "r.json").read_text() == "came in between"


@pytest.mark.parametrize("version", ["0.1.0", "0.1.1", "0.1.2"])
def test_what_every_version_wrote_is_genprobes_own(run, tmp_path, shown, version):
    for name in ("report.json", "comparison.json"):
        shutil.copy(ARCHIVES / version / name, tmp_path / name)
        result = run(*shown, "--json", name)
        assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--html", "o.png"), "o.png would be written by --plot"),
        (("--plot", "o.html"), "A plot cannot be written as o.html"),
        (("--json", "o.h5"), "o.h5 would be written by --store"),
        (("--csv", "o.JSON"), "o.JSON would be written by --json"),
        (("--html", "o.npz"), "End it in .html or .htm."),
        (("--csv", "-"), "only --json writes to standard output"),
        (("--json", "-", "--markdown"), "--json - and --markdown both say what to print"),
        (("--json", "-", "--plane"), "--json - and --plane both say what to print"),
    ],
    ids=str,
)
def test_a_slip_in_the_name_of_a_result_is_refused_before_any_work(run, shown, arguments, words):
    result = run(*shown, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 2


def test_a_store_and_a_bundle_are_not_named_as_something_else(run, tmp_path):
    for command in (["evaluate", "m.pt", "--store", "o.pt"], ["train", "--out", "o.h5"]):
        result = run(*command)
        assert (result.exit_code, result.stdout) == (2, "")
        assert f"{' '.join(command[-2:])}: a file of another kind ends in" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["r", "r.out", "r.txt", "run.3", "r.JSON"])
def test_any_other_name_will_do(run, tmp_path, shown, name):
    assert run(*shown, "--json", name).exit_code == 0
    assert (tmp_path / name).stat().st_size > 100


def test_json_on_standard_output_is_all_there_is_on_it(run, tmp_path, shown):
    for extra in ([], ["--csv", "r.csv"]):
        result = run(*shown, "--json", "-", *extra)
        assert result.exit_code == 0
        assert json.loads(result.stdout)["models"]
    assert (tmp_path / "r.csv").exists()
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "--epochs", "1", "--out", "x.npy", "--data", "x.npy"),
        ("train", "--epochs", "1", "--out", "notes.pt"),
        ("train", "--epochs", "1", "--out", "folder"),
        ("sweep", "--out", "made", "--epochs", "1", "--first-epochs", "1", "--betas", "1"),
        ("sweep", "--out", "notes.pt/made", "--epochs", "1", "--betas", "1"),
        ("new-plugin", "mine", "--kind", "prior"),
    ],
    ids=" ".join,
)
def test_what_other_commands_write_replaces_nothing_else(run, tmp_path, arguments):
    np.save(tmp_path / "x.npy", np.zeros((9, 3), dtype="float32"))
    (tmp_path / "notes.pt").write_text("mine")
    for folder in ("folder", "made", "genprobe-mine"):
        (tmp_path / folder).mkdir()
    (tmp_path / "made" / "curve.png").write_text("mine")
    before = contents(tmp_path)
    result = run(*arguments)
    assert result.exit_code in (1, 2), result.stderr
    assert result.stderr.startswith("Error: ")
    assert contents(tmp_path) == before
