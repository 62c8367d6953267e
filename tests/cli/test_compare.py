import re

import numpy as np
import pytest


@pytest.fixture
def results(run, tiny):
    """The store of one model and the JSON of another."""
    assert run("evaluate", tiny.a, "--store", "a.h5", "--draws", 2).exit_code == 0
    assert run("evaluate", tiny.b, "--json", "b.json", "--draws", 2).exit_code == 0
    return "a.h5", "b.json"


def test_stores_and_reports_stand_in_one_table(run, results):
    result = run("compare", *results)
    assert result.exit_code == 0
    assert result.stdout.startswith("2 models on images: N = 60, nats\n")
    assert sorted(re.findall(r"^(\S+) +\d", result.stdout, re.MULTILINE)) == ["a", "b"]


def test_comparing_afterwards_shows_what_evaluating_together_showed(run, tiny, results):
    together = run("evaluate", tiny.a, tiny.b, "--draws", 2).stdout
    assert together.endswith(run("compare", "a.h5", "b.json").stdout)


def test_the_comparison_comes_in_bits_and_in_markdown(run, results):
    assert "N = 60, bits\n" in run("compare", *results, "--unit", "bits").stdout
    assert run("compare", *results, "--markdown").stdout.startswith("| model | R | D |")


def test_models_on_different_data_are_not_compared(run, tiny, results, tmp_path):
    np.save(tmp_path / "other.npy", np.ones((9, 12), "float32"))
    run("evaluate", tiny.b, "--data", "other.npy", "--json", "other.json")
    result = run("compare", "a.h5", "other.json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "different data" in result.stderr


@pytest.mark.parametrize("content", [None, "", "{", "{}", "text", '{"schema": "other/1"}'])
def test_what_is_neither_store_nor_report_is_named_in_two_lines(run, tmp_path, content):
    if content is not None:
        (tmp_path / "x.json").write_text(content)
    result = run("compare", "x.json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert "x.json" in result.stderr
    assert len(result.stderr.splitlines()) <= 2


def test_the_page_has_every_model_in_the_unit_asked_for(run, results, tmp_path):
    assert run("compare", *results, "--unit", "bits", "--html", "page.html").exit_code == 0
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "2 models on images" in text
    assert text.count('type="checkbox"') == 2
    assert 'data-unit="bits" aria-pressed="true"' in text
