"""The row of an estimate in the report: what tables say of it besides its numbers."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

from genprobe.report import Estimate

MORE = "More"
"""The section of estimates that name none."""
HEADING = 10
"""Characters of a name that make a heading, where none is given."""
ATTRIBUTE = "genprobe_row"
"""Of a function: the record that ``estimator`` attaches."""

Better: TypeAlias = Literal["larger", "smaller"]
AnyEstimator = TypeVar("AnyEstimator", bound=Callable[..., Estimate])


@dataclass(frozen=True, kw_only=True)
class ReportRow:
    """What the tables say of one estimate.

    Attributes:
        label: what a table calls it; blanks in front indent it.
        heading: the same at the head of a column, ten characters or so.
        section: of the table, in which it stands.
        meaning: what it says, a clause for a table of all rows.
        unit: of the estimate.
        bound: whether the estimate is a lower or an upper bound; None for neither.
        better: which end models are ordered from; None orders from the smallest up.
        ranks: whether the best of several models is marked. Not where more is what one looks for
            and yet no model is better for it alone, as with I(n;z).
        same_measure: whether it compares only between distortions of one kind: all of
            probabilities, or all of densities.
        caption: what pages and figures call it; the label if empty.
        compared: whether every comparison has a column of it.
        of_dimensions: whether it counts latent dimensions, so that their number is shown too.
        hidden: whether the table has no row of it, because other words of the report give it.
    """

    label: str
    heading: str
    section: str = MORE
    meaning: str = ""
    unit: str = "nats"
    bound: Literal["lower", "upper"] | None = None
    better: Better | None = None
    ranks: bool = True
    same_measure: bool = False
    caption: str = ""
    compared: bool = False
    of_dimensions: bool = False
    hidden: bool = False


def estimator(
    *,
    label: str = "",
    heading: str = "",
    section: str = MORE,
    meaning: str = "",
    unit: str = "nats",
    bound: Literal["lower", "upper"] | None = None,
    better: Better | None = None,
) -> Callable[[AnyEstimator], AnyEstimator]:
    """Say what the tables call an estimator's row, where it stands and how models compare by it.

    The function stays as it is. One without this decorator has a row too: its name as the label,
    under "More", with the first sentence of its docstring as the meaning.

    Args:
        label: what a table calls it.
        heading: the same at the head of a column, ten characters or so.
        section: of the table: one of genprobe's own, or a new one that comes after them.
        meaning: what it says, in one sentence.
        unit: of its estimate, ``nats`` by default.
        bound: ``lower`` or ``upper`` if its estimate is a bound.
        better: ``larger`` or ``smaller``: the end that models are ordered from and of which the
            best is marked. Without it the smallest comes first and none is marked.

    Example:
        >>> @estimator(label="examples told apart", heading="apart", section="The code")
        ... def told_apart(n): ...
        >>> row_from("told_apart", told_apart).label
        'examples told apart'
    """

    def attach(function: AnyEstimator) -> AnyEstimator:
        plain = row_from(getattr(function, "__name__", "estimate"), function)
        row = ReportRow(
            label=label or plain.label,
            heading=heading or plain.heading,
            section=section,
            meaning=meaning or plain.meaning,
            unit=unit,
            bound=bound,
            better=better,
        )
        setattr(function, ATTRIBUTE, row)
        return function

    return attach


def row_from(name: str, function: Any = None) -> ReportRow:
    """The row that a function carries, or else one made of its name and docstring.

    Args:
        name: of the estimate.
        function: that estimates it; None if it is not at hand.

    Example:
        >>> row_from("told_apart").label
        'told apart'
    """
    attached = getattr(function, ATTRIBUTE, None)
    if isinstance(attached, ReportRow):
        return attached
    return ReportRow(
        label=name.replace("_", " "), heading=name[:HEADING], meaning=first_sentence(function)
    )


def first_sentence(function: Any) -> str:
    """The first sentence of a function's docstring; empty where there is none.

    Example:
        >>> first_sentence(first_sentence)
        "The first sentence of a function's docstring; empty where there is none."
    """
    text = inspect.getdoc(function) if inspect.isroutine(function) else None
    paragraph = " ".join((text or "").partition("\n\n")[0].split())
    return re.split(r"(?<=\.) ", paragraph)[0]
