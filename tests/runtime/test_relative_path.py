import pytest

from genprobe.runtime.relative_path import relative


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("{here}/a b.pt", "a b.pt"),
        ("{here}/runs/a.h5", "runs/a.h5"),
        ("{here}/../else/x.npy", "../else/x.npy"),
        ("--store={here}/s.h5", "--store=s.h5"),
        ("idx:{here}/x.gz", "idx:x.gz"),
        ("--data=idx:{here}/x.gz", "--data=idx:x.gz"),
        ("labels={here}/y.npy", "labels=y.npy"),
        ("{here}/m.py:build", "m.py:build"),
        ("a.pt", "a.pt"),
        ("--draws", "--draws"),
        ("--seed=3", "--seed=3"),
        ("https://example.org/a", "https://example.org/a"),
        ("", ""),
    ],
)
def test_a_path_is_written_from_the_current_folder(word, shown, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert relative(word.format(here=tmp_path)) == shown
