"""Labels on the command line, from a file to the screen and to what the store keeps."""

import json

import numpy as np
import pytest

N = 200
KIND = np.arange(N) % 2
QUICK = ("--max-queries", "256", "--device", "cpu")


@pytest.fixture
def posteriors(tmp_path):
    loc = np.random.default_rng(0).normal(size=(N, 2))
    loc[:, 0] += 4 * KIND
    np.savez(tmp_path / "p.npz", loc=loc, scale=np.full_like(loc, 0.5))
    rows = "".join(f"{'AB'[k]},{i // 100}\n" for i, k in enumerate(KIND))
    (tmp_path / "cells.csv").write_text("kind,batch\n" + rows)
    np.save(tmp_path / "short.npy", KIND[:5])
    return "p.npz"


def test_labels_are_told_and_stay_in_the_store(run, posteriors, tmp_path):
    given = ["--labels", "cells.csv:kind", "--leak", "b=cells.csv:batch"]
    done = run("evaluate", posteriors, *given, "--store", "s.h5", "--json", "r.json", *QUICK)
    assert done.exit_code == 0, done.output
    assert "The label kind takes 0." in done.stdout
    assert "no leak found" in done.stdout or "leaks" in done.stdout
    content = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert content["labels"]["kind"]["classes"] == ["A", "B"]
    assert content["labels"]["b"]["leak"]["permutations"] >= 99
    (tmp_path / "cells.csv").unlink()
    shown = run("show", "s.h5", "--max-queries", "256", "--json", "-")
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.stdout)["labels"] == content["labels"]


def test_a_store_is_asked_for_leaks_and_stays_as_it_is(run, posteriors, tmp_path):
    given = ["--labels", "cells.csv:kind", "--labels", "cells.csv:batch", "--store", "s.h5"]
    assert run("evaluate", posteriors, *given, "--device", "cpu").exit_code == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    shown = run("show", "s.h5", "--leak", "kind", "--json", "-")
    assert shown.exit_code == 0, shown.output
    labels = json.loads(shown.stdout)["labels"]
    assert labels["kind"]["leak"]["lower"] > 0
    assert labels["batch"]["leak"] is None
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    wrong = run("show", "s.h5", "--leak", "kin")
    assert wrong.exit_code == 2
    assert "no label 'kin'" in wrong.stderr
    assert "It has kind, batch." in wrong.stderr


WRONG = {
    "no label 'kinds'": (["--labels", "kinds"], 1),
    "5 values; the data have 200": (["--labels", "short.npy"], 1),
    "no column 'kid'": (["--labels", "cells.csv:kid"], 1),
    "no label 'batch'": (["--leak", "batch"], 1),
    "cannot be read from": (["--labels", "="], 2),
    "two are called kind": (["--labels", "cells.csv:kind", "--labels", "kind=short.npy"], 2),
}


@pytest.mark.parametrize("words", WRONG)
def test_a_label_that_is_wrong_is_answered_in_a_line_or_two(run, posteriors, words):
    arguments, status = WRONG[words]
    done = run("evaluate", posteriors, *arguments, *QUICK)
    assert done.exit_code == status
    assert words in done.stderr
    assert len(done.stderr.splitlines()) <= 5
