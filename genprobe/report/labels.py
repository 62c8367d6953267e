"""What the code says about one label: its estimates, its dimensions, and whether it leaks."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genprobe.report.estimate import Estimate, plain

LIMIT = 1.96
"""Standard errors from a bound to its limit at 95 %."""
LEVEL = 0.05
"""Of the test for a leak."""


@dataclass(frozen=True, kw_only=True)
class LabelDimension:
    """What one latent dimension says about a label.

    Attributes:
        index: position in the flattened latent.
        information: I(y;z_j) for these N examples, nats.
        leave_one_out: a lower bound on that of the population, nats.
        class_means: mean of the dimension over the examples of each class; None where it has none.
    """

    index: int
    information: Estimate
    leave_one_out: Estimate
    class_means: tuple[float | None, ...]


@dataclass(frozen=True, kw_only=True)
class Leak:
    """Whether a label that the code should not know is in it.

    Attributes:
        lower: the least that the code says of it, nats: the lower bound less 1.96 errors, or 0.
        upper: the most, nats: the upper end and 1.96 errors.
        p_value: of the permutation test; None where nothing could be fitted.
        permutations: refitted.
        power: the smallest leak that this many examples show in 80 % of cases, nats; None where
            it is not known.
    """

    lower: float
    upper: float
    p_value: float | None
    permutations: int
    power: float | None

    @property
    def found(self) -> bool:
        """Whether there is one, by the bound or by the test."""
        return self.lower > 0 or (self.p_value is not None and self.p_value <= LEVEL)


@dataclass(frozen=True, kw_only=True)
class LabelReport:
    """What the code says about one label.

    Attributes:
        name: of the label.
        classes: its values, as text.
        n: examples that have one.
        missing: examples that have none.
        estimates: by name, nats but for ``label_share`` and ``label_gap``.
        dimensions: one record a latent dimension that was looked at.
        informative: dimensions that are known to say something, most first.
        candidate: what predicts the label best; its bound is ``label_information``.
        accuracy: share of examples whose class it names, cross-fitted.
        saturated: whether I(y;z) for these N would be as large for a random label.
        leak: the verdict, where it was asked for.
        terms: (n_all,) log(r/π) of every example of the data, NaN where there is none; no part of
            the content, and None once read from JSON.
    """

    name: str
    classes: tuple[str, ...]
    n: int
    missing: int
    estimates: Mapping[str, Estimate]
    dimensions: tuple[LabelDimension, ...]
    informative: tuple[int, ...]
    candidate: str
    accuracy: float
    saturated: bool
    leak: Leak | None = None
    terms: Any = field(default=None, compare=False, repr=False)

    def __getitem__(self, name: str) -> Estimate:
        """The estimate of that name.

        Raises:
            KeyError: if there is none; the message lists those there are.
        """
        if name not in self.estimates:
            raise KeyError(
                f"no estimate {name!r} of this label; it has {', '.join(self.estimates)}"
            )
        return self.estimates[name]

    def to_dict(self) -> dict[str, Any]:
        """The content as plain types."""
        return {
            "classes": list(self.classes),
            "n": self.n,
            "missing": self.missing,
            "estimates": {name: plain(e) for name, e in self.estimates.items()},
            "dimensions": [
                {
                    "index": d.index,
                    "information": plain(d.information),
                    "leave_one_out": plain(d.leave_one_out),
                    "class_means": list(d.class_means),
                }
                for d in self.dimensions
            ],
            "informative": list(self.informative),
            "candidate": self.candidate,
            "accuracy": self.accuracy,
            "saturated": self.saturated,
            "leak": None if self.leak is None else dataclasses.asdict(self.leak),
        }

    @staticmethod
    def from_dict(name: str, content: Mapping[str, Any]) -> "LabelReport":
        """What ``to_dict`` wrote.

        Args:
            name: of the label.
            content: plain types.
        """
        leak = content["leak"]
        return LabelReport(
            name=name,
            classes=tuple(content["classes"]),
            n=content["n"],
            missing=content["missing"],
            estimates={k: Estimate(name=k, **v) for k, v in content["estimates"].items()},
            dimensions=tuple(dimension_from(d) for d in content["dimensions"]),
            informative=tuple(content["informative"]),
            candidate=content["candidate"],
            accuracy=content["accuracy"],
            saturated=content["saturated"],
            leak=None if leak is None else Leak(**leak),
        )


def dimension_from(content: Mapping[str, Any]) -> LabelDimension:
    """One dimension from plain types."""
    return LabelDimension(
        index=content["index"],
        information=Estimate(name="label_information_index", **content["information"]),
        leave_one_out=Estimate(name="label_information", **content["leave_one_out"]),
        class_means=tuple(content["class_means"]),
    )
