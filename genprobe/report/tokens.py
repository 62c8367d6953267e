"""What the codes of a quantiser say of themselves: how they are used, and what a generator pays."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from genprobe.report.estimate import Estimate, plain


@dataclass(frozen=True, kw_only=True)
class TokenLevel:
    """One level of a residual stack.

    Attributes:
        entropy: of its codes, nats a token.
        perplexity: of its codes, classes.
        usage: share of its classes that are used.
    """

    entropy: Estimate
    perplexity: Estimate
    usage: Estimate


@dataclass(frozen=True, kw_only=True)
class TokenBound:
    """What a generator must pay for codes at most, if it knows no more than one candidate prior.

    Attributes:
        candidate: name of the prior; ``uniform`` knows nothing.
        nats: an example, cross-fitted.
        bits_per_token: the same, of each token.
        bits_per_pixel: the same, of each pixel of the data; None where their shape is not known.
    """

    candidate: str
    nats: Estimate
    bits_per_token: float
    bits_per_pixel: float | None


@dataclass(frozen=True, kw_only=True)
class TokenReport:
    """The codes of a quantiser.

    Attributes:
        classes: how many there are.
        shape: of the grid of one example.
        used: how many classes are used.
        unused: those that no example uses, the first of them where they are very many.
        unseen: how many more classes would be used at last by more examples, at least.
        growth: so many examples, and how many classes they are expected to use; the last is for
            twice as many as there are.
        ranked: how often a class is used, by its rank from the most used on, which is 1; of very
            many classes some ranks, the closer the fewer they are.
        positions: entropy of the codes at each place of the flattened grid, nats; empty where there
            are very many.
        levels: of a residual stack, the first axis of the grid; else empty.
        bounds: what each candidate prior pays, in the order in which they know more.
        duplicates: classes whose codebook vectors are equal, in groups; None without a codebook.
    """

    classes: int
    shape: tuple[int, ...]
    used: int
    unused: tuple[int, ...]
    unseen: float
    growth: tuple[tuple[int, float], ...]
    positions: tuple[float, ...]
    levels: tuple[TokenLevel, ...]
    bounds: tuple[TokenBound, ...]
    duplicates: tuple[tuple[int, ...], ...] | None = None
    ranked: tuple[tuple[int, int], ...] = ()

    @property
    def tokens(self) -> int:
        """How many there are of one example."""
        count = 1
        for length in self.shape:
            count *= length
        return count

    def bound(self, candidate: str) -> TokenBound | None:
        """What a candidate pays; None where it was not fitted."""
        return next((each for each in self.bounds if each.candidate == candidate), None)

    @property
    def best(self) -> TokenBound:
        """What the candidate pays that pays least."""
        return min(self.bounds, key=lambda each: each.nats.value)

    def to_dict(self) -> dict[str, Any]:
        """The content as plain types."""
        return {
            "classes": self.classes,
            "shape": list(self.shape),
            "used": self.used,
            "unused": list(self.unused),
            "unseen": self.unseen,
            "growth": [list(pair) for pair in self.growth],
            "ranked": [list(pair) for pair in self.ranked],
            "positions": list(self.positions),
            "levels": [
                {
                    "entropy": plain(each.entropy),
                    "perplexity": plain(each.perplexity),
                    "usage": plain(each.usage),
                }
                for each in self.levels
            ],
            "bounds": [
                {
                    "candidate": each.candidate,
                    "nats": plain(each.nats),
                    "bits_per_token": each.bits_per_token,
                    "bits_per_pixel": each.bits_per_pixel,
                }
                for each in self.bounds
            ],
            "duplicates": None
            if self.duplicates is None
            else [list(group) for group in self.duplicates],
        }

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> "TokenReport":
        """What ``to_dict`` wrote."""
        groups = content["duplicates"]
        return TokenReport(
            classes=content["classes"],
            shape=tuple(content["shape"]),
            used=content["used"],
            unused=tuple(content["unused"]),
            unseen=content["unseen"],
            growth=tuple((int(m), float(used)) for m, used in content["growth"]),
            ranked=tuple((int(rank), int(count)) for rank, count in content.get("ranked", ())),
            positions=tuple(content["positions"]),
            levels=tuple(level_from(each) for each in content["levels"]),
            bounds=tuple(
                TokenBound(**{**each, "nats": Estimate(name="token_bound", **each["nats"])})
                for each in content["bounds"]
            ),
            duplicates=None if groups is None else tuple(tuple(group) for group in groups),
        )


def level_from(content: Mapping[str, Any]) -> TokenLevel:
    """One level from plain types."""
    return TokenLevel(
        entropy=Estimate(name="code_entropy", **content["entropy"]),
        perplexity=Estimate(name="code_perplexity", **content["perplexity"]),
        usage=Estimate(name="code_usage", **content["usage"]),
    )
