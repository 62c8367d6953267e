from contextlib import nullcontext

import click
import pytest

from genprobe.cli.model_progress import in_words, model_progress, time_left
from genprobe.runtime.progress import Progress


def test_of_several_models_the_display_says_which_and_how_many_are_done(monkeypatch):
    told = []
    mine = Progress(advance=lambda *news: told.append(news), say=lambda *news: told.append(news))
    monkeypatch.setattr(
        "genprobe.runtime.progress.progress_display", lambda wanted: nullcontext(mine)
    )
    with model_progress(["a", "b", "c"], 1, True) as progress:
        assert progress is mine
    assert told == [("models", 1, 3), ("models", "2 of 3: b")]
    with model_progress(["a"], 0, True):
        pass
    assert len(told) == 2


def test_from_the_second_model_on_the_time_left_for_all_is_said(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with click.Context(click.Command("evaluate")):
        assert time_left(0, 12) == ""
        now[0] += 60
        assert time_left(1, 12) == ", 11 min left"


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (89, "89 s"), (91, "2 min"), (5401, "1.5 h")]
)
def test_a_time_takes_few_words(seconds, words):
    assert in_words(seconds) == words
