"""What the code says of one label: a class, a factor, a batch."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genprobe.estimate import Estimate, bare_dict


@dataclass(frozen=True, kw_only=True)
class Leak:
    """Whether a label is in the code that should not be there.

    Attributes:
        lower: what the code tells of the label at least, at 95 %, nats; 0 if it may be nothing.
        upper: what it tells at most, at 95 %, nats.
        p_value: of the permutations: the share of them that tell as much.
        permutations: of the label, at each of which the predictor was fitted again.
        power: the smallest leak, nats, that so many examples would have shown.
    """

    lower: float
    upper: float
    p_value: float
    permutations: int
    power: float


@dataclass(frozen=True, kw_only=True)
class LabelReport:
    """What the code says of one label.

    Attributes:
        name: of the label.
        classes: its values.
        n: number of examples that have one.
        missing: number of those that have none, which are left out.
        estimates: by name.
        dimensions: of each latent dimension its index, what it tells of the label about these
            examples, and by leave-one-out; None where the posterior does not factorise.
        informative: the dimensions that tell something, the most telling first.
        candidate: the predictor that gave the lower bound.
        accuracy: the share of examples whose label it gets right.
        saturated: whether the index figure would be as large for a random label.
        leak: of a label that should not be in the code.
    """

    name: str
    classes: tuple[str, ...]
    n: int
    missing: int
    estimates: Mapping[str, Estimate]
    dimensions: Sequence[tuple[int, Estimate, Estimate]] = ()
    informative: tuple[int, ...] = ()
    candidate: str | None = None
    accuracy: float | None = None
    saturated: bool = False
    leak: Leak | None = None

    def __getitem__(self, name: str) -> Estimate:
        """The estimate of that name.

        Raises:
            KeyError: if there is none; the message lists those there are.
        """
        try:
            return self.estimates[name]
        except KeyError:
            known = ", ".join(self.estimates)
            raise KeyError(f"no estimate {name!r} of {self.name}; it has {known}") from None

    def to_dict(self) -> dict[str, Any]:
        """The record as plain types, without its name, under which it is found."""
        return {
            "classes": list(self.classes),
            "n": self.n,
            "missing": self.missing,
            "estimates": {name: bare_dict(e) for name, e in self.estimates.items()},
            "dimensions": [
                {"index": index, "information": bare_dict(one), "leave_one_out": bare_dict(other)}
                for index, one, other in self.dimensions
            ],
            "informative": list(self.informative),
            "candidate": self.candidate,
            "accuracy": self.accuracy,
            "saturated": self.saturated,
            "leak": None if self.leak is None else dataclasses.asdict(self.leak),
        }

    @staticmethod
    def from_dict(name: str, content: Mapping[str, Any]) -> "LabelReport":
        """The record that ``to_dict`` gave."""
        leak = content["leak"]
        return LabelReport(
            name=name,
            classes=tuple(content["classes"]),
            n=content["n"],
            missing=content["missing"],
            estimates={k: Estimate(name=k, **v) for k, v in content["estimates"].items()},
            dimensions=tuple(
                (
                    each["index"],
                    Estimate(name="label_information", **each["information"]),
                    Estimate(name="label_information", **each["leave_one_out"]),
                )
                for each in content["dimensions"]
            ),
            informative=tuple(content["informative"]),
            candidate=content["candidate"],
            accuracy=content["accuracy"],
            saturated=content["saturated"],
            leak=None if leak is None else Leak(**leak),
        )
