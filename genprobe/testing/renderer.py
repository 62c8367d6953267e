"""The suite of a renderer: text for every kind of report."""

from collections.abc import Callable
from copy import deepcopy

from genprobe.report import Report
from genprobe.testing.examples import reports
from genprobe.testing.suite import Suite


class RendererTests(Suite):
    """Tests of a renderer.

    Attributes:
        part: the function from a report to text.
    """

    part: Callable[[Report], str]

    def rendered(self, case: str, report: Report | None = None) -> str:
        """The text of a case.

        Args:
            case: named in the message.
            report: of the case; a copy by default.

        Raises:
            AssertionError: if it is no text.
        """
        try:
            text: object = type(self).part(report or deepcopy(reports()[case]))
        except Exception as error:
            raise AssertionError(
                f"it raises {type(error).__name__}: {error}, for the report of {case}"
            ) from error
        assert isinstance(text, str), f"it returns a {type(text).__name__}, not text"
        return text

    def test_every_report_becomes_text(self) -> None:
        """With and without distortion, warnings, dimensions, standard errors, finite numbers."""
        for case in reports():
            assert self.rendered(case).strip(), f"the text is empty for the report of {case}"

    def test_different_reports_become_different_texts(self) -> None:
        """The text says something about the report."""
        first, second = (self.rendered(c) for c in ("a model with a decoder", "a collapsed model"))
        assert first != second, "two models with other names and numbers have the same text"

    def test_a_report_always_becomes_the_same_text(self) -> None:
        """Neither the time nor an earlier call shows."""
        case = "a model with a decoder"
        assert self.rendered(case) == self.rendered(case)

    def test_the_report_stays_as_it_is(self) -> None:
        """Others render it too."""
        for case, original in reports().items():
            report, before = deepcopy(original), deepcopy(original)
            self.rendered(case, report)
            assert report == before, f"it changes the report of {case}"
