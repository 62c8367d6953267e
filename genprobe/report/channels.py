"""What is said of a latent with places: its channels, and its spectrum."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genprobe.report.estimate import Estimate, plain


@dataclass(frozen=True, kw_only=True)
class Channel:
    """One channel of the aggregate posterior, over all positions.

    Attributes:
        mean: of z, what a generator subtracts from the channel.
        std: the standard deviation of z, what it divides by.
        rate: KL of the channel, nats per example; None where it is not known by channel.
    """

    mean: Estimate
    std: Estimate
    rate: Estimate | None = None

    def to_dict(self) -> dict[str, Any]:
        """The content as plain types."""
        rate = None if self.rate is None else plain(self.rate)
        return {"mean": plain(self.mean), "std": plain(self.std), "rate": rate}

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> "Channel":
        """What ``to_dict`` wrote."""
        rate = content.get("rate")
        return Channel(
            mean=Estimate(name="channel_mean", **content["mean"]),
            std=Estimate(name="channel_std", **content["std"]),
            rate=None if rate is None else Estimate(name="channel_rate", **rate),
        )


@dataclass(frozen=True, kw_only=True)
class GridBound:
    """What a generator must pay for codes at most, if it knows no more than one fitted prior.

    Attributes:
        candidate: name of the prior.
        nats: an example, cross-fitted: the rate under that prior.
        bits_per_pixel: the same, of each pixel of the data; None where their shape is not known.
    """

    candidate: str
    nats: Estimate
    bits_per_pixel: float | None


@dataclass(frozen=True, kw_only=True)
class LatentGrid:
    """Where the latent has its power and its rate, and what a generator pays for it.

    Attributes:
        shape: of one z: (channels, height, width), or (channels, length).
        frequencies: radial, in cycles per position, without 0.
        power: mean variance of a coefficient of the cosine transform at each of them.
        rate: KL at each position, all channels together, nats per example, the positions in order;
            None where it is not known by position.
        bounds: what each fitted prior pays, in the order in which they were fitted.
    """

    shape: tuple[int, ...]
    frequencies: tuple[float, ...]
    power: tuple[float, ...]
    rate: tuple[float, ...] | None = None
    bounds: tuple[GridBound, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The content as plain types."""
        return {
            "shape": list(self.shape),
            "frequencies": list(self.frequencies),
            "power": list(self.power),
            "rate": None if self.rate is None else list(self.rate),
            "bounds": [
                {
                    "candidate": each.candidate,
                    "nats": plain(each.nats),
                    "bits_per_pixel": each.bits_per_pixel,
                }
                for each in self.bounds
            ],
        }

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> "LatentGrid":
        """What ``to_dict`` wrote."""
        rate = content["rate"]
        return LatentGrid(
            shape=tuple(content["shape"]),
            frequencies=tuple(content["frequencies"]),
            power=tuple(content["power"]),
            rate=None if rate is None else tuple(rate),
            bounds=tuple(
                GridBound(**{**each, "nats": Estimate(name="grid_bound", **each["nats"])})
                for each in content.get("bounds", ())
            ),
        )
