"""The page shows what the rows say, and says so where there are none."""

import json

from fuzz.page import write_page


def test_a_page_without_results_says_so(tmp_path):
    write_page(tmp_path, tmp_path)
    text = (tmp_path / "reliability.md").read_text(encoding="utf-8")
    assert text.count("Not run yet.") == 2


def test_a_page_counts_rows_by_outcome_and_format(tmp_path):
    outcomes = ["refused", "refused", "same", "hung"]
    rows = [{"case": f"store:flip-bit:{i}", "outcome": name} for i, name in enumerate(outcomes)]
    lines = [{"code": "x"}, *rows, {"case": "store:flip-bit:3", "outcome": "refused"}]
    text = "\n".join(map(json.dumps, lines)) + '\n{"case": "store:cut'
    (tmp_path / "damaged.jsonl").write_text(text, encoding="utf-8")
    write_page(tmp_path, tmp_path)
    page = (tmp_path / "reliability.md").read_text(encoding="utf-8")
    assert "## 4 damaged files" in page
    assert "| refused in one or two lines | 3 |" in page
    assert "| store | 4 | 3 | 1 | 0 | 0 |" in page
