import io
import re

import pytest

from genprobe.runtime.progress import Progress, per_second, progress_display, silent

WIDTH = 80


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Make standard error a terminal; called in the test, as pytest sets it anew before."""

    def stand_in():
        stderr = Terminal()
        monkeypatch.setattr("sys.stderr", stderr)
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("COLUMNS", str(WIDTH))
        return stderr

    return stand_in


def lines(stderr):
    """Every line that was drawn, without colours and movements of the cursor."""
    return re.split(r"[\r\n]+", re.sub(r"\x1b\[[\d;?]*[a-zA-Z]", "", stderr.getvalue()))


def work(progress):
    progress.advance("encode", 5, 10)
    progress.say("encode", "half")


def test_nothing_is_shown_when_standard_error_is_a_pipe(capsys):
    with progress_display(True) as progress:
        work(progress)
    assert progress is silent
    assert capsys.readouterr() == ("", "")


def test_nothing_is_shown_when_it_is_not_wanted(terminal):
    stderr = terminal()
    with progress_display(False) as progress:
        work(progress)
    assert progress is silent
    assert stderr.getvalue() == ""


def test_a_display_that_is_there_is_handed_on(terminal):
    stderr, told = terminal(), []
    mine = Progress(advance=lambda *news: told.append(news), say=lambda *news: told.append(news))
    with progress_display(mine) as progress:
        work(progress)
    assert progress is mine
    assert told == [("encode", 5, 10), ("encode", "half")]
    assert stderr.getvalue() == ""


def test_a_terminal_shows_every_stage_with_its_share_on_standard_error(capsys, terminal):
    stderr = terminal()
    with progress_display(True) as progress:
        progress.advance("encode", 5, 10)
        progress.advance("encode", 5, 10)
        progress.advance("aggregate", 1, 4)
    shown = "\n".join(lines(stderr))
    assert re.search(r"encode .* 100%", shown)
    assert re.search(r"aggregate .* 25%", shown)
    assert capsys.readouterr().out == ""


def test_what_is_said_of_a_stage_stands_in_its_row_and_replaces_what_was_said(terminal):
    stderr = terminal()
    with progress_display(True) as progress:
        progress.advance("aggregate", 1, 2)
        progress.say("aggregate", "I(n;z) 6.300 ± 0.031 nats")
        progress.say("aggregate", "I(n;z) 6.288 ± 0.009 nats")
    last = [line for line in lines(stderr) if "aggregate" in line][-1]
    assert "I(n;z) 6.288 ± 0.009 nats" in last
    assert "0.031" not in last
    assert "[" not in last, "what is said is no markup"


def test_a_row_fits_80_columns(terminal):
    stderr = terminal()
    with progress_display(True) as progress:
        for _ in range(3):
            progress.advance("aggregate", 123_456_789, 10**12)
        progress.say("aggregate", "I(n;z) 11.288 ± 0.009 nats")
    assert max(map(len, lines(stderr))) <= WIDTH
    assert any("± 0.009 nats" in line for line in lines(stderr))


@pytest.mark.parametrize(("done", "share"), [(0, " 0%"), (1, " 1[23]%"), (8, " 100%")])
def test_a_stage_that_comes_again_starts_again(terminal, done, share):
    stderr = terminal()
    with progress_display(True) as progress:
        progress.advance("aggregate", 4, 4)
        progress.advance("aggregate", done, 8)
    last = [line for line in lines(stderr) if "aggregate" in line][-1]
    assert re.search(share, last)


@pytest.mark.parametrize(
    ("speed", "text"),
    [(None, ""), (3.21, "3.2/s"), (12_345.0, "12.3k/s"), (2e6, "2.0M/s"), (3.5e9, "3.5G/s")],
)
def test_a_throughput_takes_few_columns(speed, text):
    assert per_second(speed) == text


def test_the_display_goes_when_the_work_fails(terminal):
    stderr = terminal()

    def work():
        with progress_display(True) as progress:
            progress.advance("encode", 1, 2)
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        work()
    assert stderr.getvalue().rindex("\x1b[?25h") > stderr.getvalue().rindex("encode")
