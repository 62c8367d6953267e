import logging

import pytest

from genprobe.cli.repeats import said_once

log = logging.getLogger("genprobe")


@pytest.fixture
def said(caplog):
    """Log for each of some models, and give all lines that came out."""
    caplog.set_level(logging.INFO, logger="genprobe")

    def run(models, *texts):
        with said_once(models) as repeats:
            for i, model in enumerate(models):
                repeats.position = i
                for text in texts:
                    log.info(text.format(model))
        return caplog.messages

    return run


def test_of_one_model_everything_is_said_as_it_comes(said):
    assert said(["a.pt"], "It is.", "It is.") == ["It is."] * 2


def test_what_is_of_the_data_is_said_once(said):
    assert said(["a.pt", "b.pt", "c.pt"], "digits holds bytes.") == ["digits holds bytes."]


def test_what_names_the_model_names_the_others_in_one_line(said):
    lines = said(["runs/a.pt", "runs/b.pt", "c.pt"], "{}: took ema.")
    assert lines == ["runs/a.pt: took ema.", "runs/b.pt, c.pt: took ema."]


def test_what_differs_is_said_of_each(said):
    lines = said(["beta-1.pt", "beta-2.pt"], "{} and more", "as a rule")
    assert lines == ["beta-1.pt and more", "as a rule", "beta-2.pt and more"]


def test_a_short_name_is_not_found_in_words(said):
    lines = said(["a.pt", "is.pt"], "It is a rule.")
    assert lines == ["It is a rule."]


def test_the_filter_is_gone_afterwards_whatever_happens(said):
    before = list(log.filters)
    with pytest.raises(KeyboardInterrupt), said_once(["a.pt", "b.pt"]):
        raise KeyboardInterrupt
    assert log.filters == before
