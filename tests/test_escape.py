"""A name from a file shows what it is and does nothing, wherever it is shown."""

import copy
import csv
import io
import json
import logging
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import genprobe
from genprobe.errors import GenprobeError
from genprobe.escape import escape, escaped
from genprobe.render.data.csv import to_csv
from genprobe.render.figure.plane import save_plane
from genprobe.render.page.html import to_html
from genprobe.render.page.report_notebook import to_notebook
from genprobe.render.text.comparison import comparison_to_text
from genprobe.render.text.latex import comparison_to_latex, to_latex
from genprobe.render.text.markdown import comparison_to_markdown, to_markdown
from genprobe.render.text.plane import plane_to_text
from genprobe.render.text.screen import to_screen
from genprobe.render.text.table import to_text
from genprobe.report import Report, from_dict

ARCHIVE = Path(__file__).parent / "archives" / "0.1.2" / "report.json"
HOSTILE = [*map(chr, range(32)), *map(chr, range(0x7F, 0xA0))]
HOSTILE += [*map(chr, range(0x200B, 0x2010)), *map(chr, range(0x2028, 0x202F))]
HOSTILE += [*map(chr, range(0x2066, 0x206A)), "\ufeff", "\u00ad", "\u061c", "\udcff", "\U000e0041"]
NAME = f"[red]x{''.join(HOSTILE)}|`[/red]"


@pytest.fixture(scope="module")
def report():
    """A report in which every text that may come from a file is hostile."""
    facts = json.loads(ARCHIVE.read_text(encoding="utf-8"))
    facts |= {"model": f"=m{NAME}", "dataset": f"@d{NAME}"}
    facts["estimates"][f"+e{NAME}"] = dict(facts["estimates"]["rate"], remark=f"a remark {NAME}")
    facts["regime"] |= {"reasons": [NAME], "entropy_source": NAME}
    facts["warnings"] = [{"code": NAME, "message": NAME, "remedy": NAME}]
    facts["provenance"] |= {"command": NAME, "training": {f"k{NAME}": NAME, "epoch": NAME}}
    return from_dict(facts)  # a plugin's names, too, which JSON is held to


def drawn(report, folder, suffix):
    save_plane(genprobe.compare([report]), folder / f"p{suffix}")
    return (folder / f"p{suffix}").read_text(encoding="utf-8")


SHOWN = {
    "screen": lambda report, folder: to_screen(report),
    "table": lambda report, folder: to_text(report),
    "notebook": lambda report, folder: to_notebook(report),
    "markdown": lambda report, folder: to_markdown(report),
    "markdown details": lambda report, folder: to_markdown(report, details=True),
    "latex": lambda report, folder: to_latex(report),
    "latex details": lambda report, folder: to_latex(report, details=True),
    "tables": lambda report, folder: comparison_to_text(genprobe.compare([report])),
    "markdown tables": lambda report, folder: comparison_to_markdown(genprobe.compare([report])),
    "latex tables": lambda report, folder: comparison_to_latex(genprobe.compare([report])),
    "plane": lambda report, folder: plane_to_text(genprobe.compare([report])),
    "csv": lambda report, folder: to_csv(genprobe.compare([report])),
    "page": lambda report, folder: to_html(genprobe.compare([report]), command=NAME),
    "svg": lambda report, folder: drawn(report, folder, ".svg"),
    "error": lambda report, folder: str(GenprobeError(NAME, NAME)),
}


@pytest.mark.parametrize("kind", SHOWN)
def test_nothing_that_is_shown_holds_a_hostile_character(report, tmp_path, kind):
    text = SHOWN[kind](report, tmp_path)
    own = "\n\t" if kind == "page" else "\n"  # the library of the page has tabs
    assert {c for c in HOSTILE if c in text} <= set(own)
    assert "x1b" in text or "x00" in text
    assert "[red]" in text.replace("\\", "").replace("{", "").replace("}", "")


def test_every_character_that_shows_nothing_is_spelt():
    everything = "".join(map(chr, range(0x30000)))
    left = {unicodedata.category(c) for c in escape(everything)}
    assert left & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} == set()
    assert escape("β ± 中\u00a0\u3000é 😀") == "β ± 中\u00a0\u3000é 😀"


def test_a_spreadsheet_takes_no_text_for_a_formula(report):
    (row,) = csv.DictReader(io.StringIO(to_csv(genprobe.compare([report]))))
    assert row["model"].startswith("'=m")
    assert row["dataset"].startswith("'@d")
    assert not [name for name in row if name.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert float(row["elbo"]) < 0


def test_a_record_with_nothing_to_escape_is_itself():
    facts = Report.from_json(ARCHIVE.read_text(encoding="utf-8"))
    assert escaped(facts) is facts


def test_escaping_changes_texts_alone_and_no_record(report):
    before = copy.deepcopy(report)
    shown = escaped(report)
    assert report == before
    assert shown["rate"] == report["rate"]
    assert escaped(shown) is shown


def test_what_is_no_part_of_a_records_content_is_left_alone():
    @dataclass(frozen=True)
    class Record:
        name: str
        store: object = field(compare=False)

    store = object()
    assert escaped(Record("a\n", store)) == Record("a\\n", store)
    assert escaped(Record("a\n", store)).store is store


def test_log_lines_show_names_and_paths_escaped(caplog):
    logging.getLogger("genprobe").warning("%s, %s: %d of %.1f", "a\n", Path("b\x1b"), 1, 2.0)
    assert caplog.messages == ["a\\n, b\\x1b: 1 of 2.0"]
