import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest


@pytest.fixture(scope="module")
def evaluated(run_in, tiny, tmp_path_factory):
    """A folder with a store and what is kept beside it."""
    folder = tmp_path_factory.mktemp("evaluated")
    assert run_in(folder, "evaluate", tiny.a, "--store", "s.h5", "--draws", 2).exit_code == 0
    return folder


@pytest.fixture
def store(run, evaluated, tmp_path):
    shutil.copytree(evaluated, tmp_path, dirs_exist_ok=True)
    return "s.h5"


def test_a_store_shows_what_evaluate_showed(run, tiny, store):
    shown = run("show", store)
    assert shown.exit_code == 0
    assert shown.stdout == run("evaluate", tiny.a, "--draws", 2).stdout


def test_a_store_has_the_same_numbers_to_the_last_digit(estimates, tiny, store):
    assert estimates("show", store) == estimates("evaluate", tiny.a, "--draws", 2)


def test_a_report_that_is_kept_needs_no_torch(store, tmp_path):
    code = """
import sys
from click.testing import CliRunner
from genprobe.cli.main import main
sys.modules["torch"] = None
kept = [[], ["--details"], ["--json", "-"], ["--latex"], ["--markdown", "--unit", "bits"]]
drawn = [["--plane"], ["--plot", "plane.svg"], ["--html", "page.html"]]
for options in (*kept, ["--format", "json"], *drawn):
    shown = CliRunner().invoke(main, ["show", "s.h5", *options], catch_exceptions=False)
    assert shown.exit_code == 0, shown.stderr
    assert "mutual" in shown.stdout or "I(n;z)" in shown.stdout, shown.stdout
with open("s.h5", "r+b") as file:
    file.seek(-9, 2)
    file.write(b"damaged")
shown = CliRunner().invoke(main, ["show", "s.h5"])
assert "damaged" in shown.stderr, shown.stderr
"""
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


@pytest.fixture
def again(run, tiny, store):
    """Evaluate the same store with other options."""

    def again(*options):
        done = run("evaluate", tiny.a, "--store", store, "--draws", 2, *options)
        assert done.exit_code == 0, done.stderr

    return again


def test_a_store_is_shown_as_it_was_evaluated_unless_other_numbers_are_asked_for(run, again, store):
    again("--tolerance", 0.4)
    shown = [run("show", store, "--json", "-", *more) for more in ([], ["--tolerance", 0.01])]
    assert [json.loads(s.stdout)["provenance"]["tolerance"] for s in shown] == [0.4, 0.01]


def test_a_report_is_made_where_none_is_kept_or_its_regime_has_other_cuts(
    run, again, store, tmp_path
):
    shown = run("show", store).stdout
    (tmp_path / "cuts.toml").write_text("fewest = 1000")
    again("--regime-cuts", "cuts.toml")
    assert run("show", store).stdout == shown
    (tmp_path / "s.h5.report.json").unlink()
    assert run("show", store).stdout == shown


def test_the_model_and_the_data_are_not_needed(run, tiny, store, monkeypatch):
    import genprobe.loaders.open
    import genprobe.runs.encoded_store

    def refuse(*arguments, **options):
        raise AssertionError("nothing may be loaded or encoded")

    monkeypatch.setattr(genprobe.loaders.open, "load", refuse)
    monkeypatch.setattr(genprobe.loaders.open, "open_dataset", refuse)
    monkeypatch.setattr(genprobe.runs.encoded_store, "encode", refuse)
    assert run("show", store, "--unit", "bits", "--entropy", 9).exit_code == 0


def test_fewer_queries_make_a_larger_error(estimates, store):
    few, all_of_them = (
        estimates("show", store, "--max-queries", m)["mutual_information"] for m in (20, 1200)
    )
    assert few["n"] == 10 < all_of_them["n"] == 60
    assert few["se"] > all_of_them["se"]


def test_an_entropy_that_is_given_is_the_bound(run, store):
    shown = run("show", store, "--entropy", 2, "--details").stdout
    assert "Ĥ = 2.000 nats, as given" in shown


def test_the_whole_table_is_shown_when_asked_for(run, store):
    short, whole = (run("show", store, *more).stdout for more in ([], ["--details"]))
    assert "rate R" in whole
    assert "rate R" not in short
    assert len(short.splitlines()) <= 24 < len(whole.splitlines())


def test_markdown_and_units_are_as_in_evaluate(run, store):
    text = run("show", store, "--markdown", "--unit", "bits").stdout
    assert re.search(r"^\| \| bits \|", text, re.MULTILINE)


def no_file(path):
    pass


def text_file(path):
    path.write_text("not HDF5")


def array_file(path):
    np.save(path, np.zeros(3))


@pytest.mark.parametrize("make", [no_file, text_file, array_file])
def test_what_is_no_store_is_told_in_two_lines(run, tmp_path, make):
    make(tmp_path / "x.npy")
    result = run("show", "x.npy")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "x.npy" in result.stderr
    assert len(result.stderr.splitlines()) <= 2


def test_a_store_is_drawn_as_a_plane_of_one(run, store, tmp_path):
    done = run("show", store, "--plot", "plane.pdf", "--plane")
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "plane.pdf").read_bytes().startswith(b"%PDF")
    assert "1 a\n" in done.stdout


def test_the_page_of_a_store_is_written_beside_the_table(run, store, tmp_path):
    result = run("show", store, "--html", "page.html", "--unit", "bits")
    assert result.stdout == run("show", store, "--unit", "bits").stdout
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "genprobe show s.h5" in text
    assert "The data are not images." in text
    assert 'data-unit="bits" aria-pressed="true"' in text
    size = (tmp_path / "page.html").stat().st_size
    assert f"Wrote the page: page.html, {size / 1e6:.1f} MB (open it" in result.stderr


def test_the_command_on_the_page_has_no_path_from_the_root(run, store, tmp_path):
    assert run("show", tmp_path / "s.h5", "--html", tmp_path / "page.html").exit_code == 0
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<code>genprobe show s.h5 --html page.html</code>" in text
    assert str(tmp_path) not in text


def test_a_page_that_cannot_be_written_is_told_before_any_work(run, store):
    result = run("show", store, "--html", "gone/page.html")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no folder gone" in result.stderr


def test_latex_is_one_table_of_booktabs(run, store):
    text = run("show", store, "--latex").stdout
    assert text.count("\\begin{tabular}") == text.count("\\toprule") == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("p.npz", "genprobe evaluate p.npz"),
        ("m.pt", "genprobe evaluate m.pt"),
        ("r.json", "genprobe compare r.json"),
        ("notes", "Check the path."),
    ],
)
def test_a_file_that_is_no_store_is_answered_with_its_command(run, tmp_path, name, words):
    (tmp_path / name).write_bytes(b"PK" + bytes(600))
    result = run("show", name)
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 2
