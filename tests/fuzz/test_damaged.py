"""A sample of the damaged files: nothing runs, crashes, hangs or changes an answer."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from fuzz.actions import Refused
from fuzz.case import Case
from fuzz.child import run_in_child
from fuzz.damaged import Bench, plan
from fuzz.formats import FORMATS
from fuzz.outcome import FAULTS, judge
from fuzz.outside import SECRET_WORD, Outside, snapshot

SAMPLE = 200


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("bench"), quick=True)


@pytest.fixture
def outcome(tmp_path):
    """The outcome of an action whose undamaged answer is 1."""

    def find(action, checked=True, touched=""):
        undamaged, ended = (run_in_child(call, tmp_path, tmp_path) for call in (lambda: 1, action))
        return judge(ended, undamaged, checked, touched)

    return find


def test_no_damaged_file_of_a_sample_does_harm(bench):
    rows = [bench.run(case) for case in plan(SAMPLE)]
    assert [row for row in rows if row["outcome"] in FAULTS] == []
    assert len(rows) > 0.9 * SAMPLE
    assert sum(row["outcome"] == "refused" for row in rows) > SAMPLE / 3


def test_a_case_is_the_same_each_time(bench):
    case = Case("kept-report", "other-number", 3)
    first, second = bench.run(case), bench.run(case)
    assert {**first, "seconds": 0} == {**second, "seconds": 0}


def test_cases_are_of_every_format_and_kind_and_those_of_fewer_are_among_those_of_more():
    planned = plan(10_000)
    assert 10_000 <= len(planned) < 10_000 + len(FORMATS)
    assert {case[:2] for case in planned} == {
        (name, kind) for name, format in FORMATS.items() for kind in format.damages
    }
    assert {*plan(SAMPLE)} < {*planned}


@pytest.mark.parametrize(
    ("action", "name"),
    [
        (lambda: 1, "same"),
        (lambda: 2, "changed"),
        (lambda: 1 / 0, "raised"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "killed"),
        (lambda: os._exit(3), "killed"),
        (lambda: print(SECRET_WORD), "outside"),
        (lambda: print("\x1b[31mred"), "raw"),
    ],
)
def test_what_an_action_does_is_what_is_judged(outcome, action, name):
    assert outcome(action).name == name


def test_another_answer_is_no_fault_where_nothing_could_tell(outcome):
    assert outcome(lambda: 2, checked=False).name == "unknowable"
    assert outcome(lambda: {"code": "few-examples"}, checked=False).name == "told"
    assert outcome(lambda: 1, touched="code").name == "code"


def test_a_refusal_of_more_than_two_lines_is_wordy(outcome):
    def refuse(*lines):
        print("Error:", "\n".join(lines), file=sys.stderr)
        raise Refused(1)

    assert outcome(lambda: refuse("One.", "Two.")).name == "refused"
    assert outcome(lambda: refuse("One.", "Two.", "Three.")).name == "wordy"


def test_a_call_that_hangs_is_ended(outcome, monkeypatch):
    monkeypatch.setattr("fuzz.child.LONGEST", 0.1)
    assert outcome(lambda: time.sleep(60)).name == "hung"


def test_whatever_happens_outside_is_seen(tmp_path):
    outside = Outside(tmp_path / "outside")
    outside.fill()
    before = snapshot(outside.folder)
    (outside.folder / "more").symlink_to("nowhere")
    outside.words.write_text("other", encoding="utf-8")
    after = snapshot(outside.folder)
    assert after.keys() - before.keys() == {"more"}
    assert {k for k in before if before[k] != after[k]} == {"secret.txt"}


def test_planted_code_is_seen_when_it_runs(bench):
    case = Case("checkpoint", "planted", 1)
    format = FORMATS["checkpoint"]
    with bench.place("checkpoint") as (work, outside):
        from fuzz.damaged import damage

        assert damage(format, case, case.random(), work, outside) is not None

        def unpickle():
            import torch

            torch.load(work / "checkpoint.ckpt", weights_only=False)

        run_in_child(unpickle, work, work.parent / "tmp")
        assert outside.canary.exists()


def test_a_row_is_plain(bench):
    row = bench.run(Case("cuts", "other-value", 0))
    assert json.loads(json.dumps(row)) == row
    assert row.keys() == {"case", "action", "outcome", "detail", "seconds"}
    assert Path(bench.good / "s.h5").exists()
