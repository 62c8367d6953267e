"""What is said of one level of a chain of latents."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genprobe.report.estimate import Estimate, plain

DEAD_NATS = 0.01
"""Rate below which a level carries nothing."""
ERRORS = 2.0
"""Monte Carlo errors that it must be below that by."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """One level of a chain of latents, z₁ the first.

    Attributes:
        name: ``z₁`` and so on; of a diffusion model the stretch of time.
        estimates: by name: ``rate``, the mean of KL(q(z_l|z_<l, x) ‖ p(z_l|z_<l)) in nats, and
            ``active_units``, how many dimensions cost at least 0.01 nat, where that divides.
        shape: of one z of the level; empty where it has none of its own.
        family: of its posteriors; empty where nothing names it.

    Example:
        >>> rate = Estimate(name="rate", value=0.004, se=0.0, se_data=0.001, kind="exact", n=900)
        >>> level = Level(name="z₂", estimates={"rate": rate}, shape=(8,), family="diagonal-normal")
        >>> level["rate"].value, level.dead
        (0.004, True)
    """

    name: str
    estimates: Mapping[str, Estimate]
    shape: tuple[int, ...] = ()
    family: str = ""

    def __getitem__(self, name: str) -> Estimate:
        """The estimate of that name.

        Raises:
            KeyError: if the level has none; the message lists those it has.
        """
        try:
            return self.estimates[name]
        except KeyError:
            known = ", ".join(self.estimates)
            raise KeyError(f"no estimate {name!r} of {self.name}; it has {known}") from None

    @property
    def dead(self) -> bool:
        """Whether the level carries nothing, beyond the Monte Carlo error of its rate."""
        rate = self.estimates.get("rate")
        return rate is not None and rate.value + ERRORS * (rate.se or 0.0) < DEAD_NATS

    def to_dict(self) -> dict[str, Any]:
        """The content as plain types."""
        return {
            "name": self.name,
            "estimates": {name: plain(each) for name, each in self.estimates.items()},
            "shape": list(self.shape),
            "family": self.family,
        }

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> "Level":
        """What ``to_dict`` wrote."""
        return Level(
            name=content["name"],
            estimates={k: Estimate(name=k, **v) for k, v in content["estimates"].items()},
            shape=tuple(content["shape"]),
            family=content["family"],
        )
