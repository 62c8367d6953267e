"""What the user chose for an evaluation: one record, made once and handed on whole."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genprobe.analysis.regimes import DEFAULT_CUTS, Cuts
from genprobe.errors import UsageError

if TYPE_CHECKING:
    from genprobe.estimators.call import Estimator
    from genprobe.types import PriorLike

DTYPES = ("float32", "float64")
POSITIVE = (
    "draws",
    "tolerance",
    "max_queries",
    "batch_size",
    "bin_width",
    "entropy",
    "limit",
    "inference",
    "simulate",
    "max_steps",
)
"""Numbers that must be positive and finite.

A bound on the entropy is among them: it is of probabilities, and a bound below zero would make an
autoencoder of every model.
"""
BETAS = tuple(2.0**power for power in range(-4, 5))
"""Of the decoder's curve by default: from 1/16 to 16, as many below 1 as above it."""
SHOWN_ONLY = ("pictures",)
"""Options that change no number of a report."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of ``genprobe.evaluate``, which documents each, with the same defaults.

    The model, the data and the progress display are not among them. To add an option, see
    docs/contributing.md.
    """

    store: str | Path | None = None
    draws: int = 1
    tolerance: float = 0.01
    max_queries: int | None = None
    batch_size: int | None = None
    device: str = "auto"
    dtype: str = "float32"
    seed: int = 0
    prior: PriorLike | None = None
    entropy: float | None = None
    bin_width: float | None = None
    binarize: str | None = None
    estimators: Mapping[str, Estimator] | None = None
    cuts: Cuts = DEFAULT_CUTS
    split: str | None = None
    fresh: bool = False
    trust: bool = False
    factory: str | None = None
    weights: str | None = None
    family: str | None = None
    pictures: bool | None = None
    bytes: str | None = None
    input_key: str | None = None
    covariates: Mapping[str, Any] | None = None
    limit: int | None = None
    labels: Mapping[str, Any] | Sequence[str] | None = None
    leaks: Mapping[str, Any] | Sequence[str] | None = None
    observation_scale: float | str | None = None
    inference: int | None = None
    simulate: int | None = None
    max_steps: int | None = None
    decoder_curve: bool | Sequence[float] | None = None
    codebook: Any = None
    keep_levels: bool = False

    @classmethod
    def from_arguments(cls, arguments: Mapping[str, Any]) -> Options:
        """The options among the arguments of a function that takes them by their names.

        Args:
            arguments: by name; what is no option is left out.

        Raises:
            UsageError: if estimators are neither names nor functions by name.
            PluginError: if no plugin provides one that is named.

        Example:
            >>> Options.from_arguments({"model": "vae.pt", "draws": 4}).draws
            4
        """
        names = {field.name for field in fields(cls)}
        chosen = {name: value for name, value in arguments.items() if name in names}
        if chosen.get("estimators") is not None:
            from genprobe.estimators.call import estimators_by_name  # which imports torch

            chosen["estimators"] = estimators_by_name(chosen["estimators"])
        return cls(**chosen)

    def require_valid(self) -> None:
        """Check the choices that need neither the model nor the data.

        Raises:
            UsageError: naming the first that makes no sense.
        """
        require_positive(**{name: getattr(self, name) for name in POSITIVE})
        if self.dtype not in DTYPES:
            raise UsageError(f"dtype must be one of {', '.join(DTYPES)}, not {self.dtype!r}.")
        if self.keep_levels and self.store is None:
            raise UsageError(
                "keep_levels puts draws into a store, and no store is named.",
                "Give store=FILE (--store FILE) as well.",
            )
        if self.observation_scale is not None:
            from genprobe.loaders.generator import require_scale  # which imports torch

            require_scale(self.observation_scale)
        require_positive(**{f"{i}. β of decoder_curve": b for i, b in enumerate(self.betas, 1)})

    def require_inference(self) -> None:
        """Check that nothing is asked of inference unless inference is asked for.

        Raises:
            UsageError: naming what is.
        """
        for name in ("simulate", "max_steps", "decoder_curve"):
            if getattr(self, name) and self.inference is None:
                raise UsageError(
                    f"{name} says how inference is looked into, and nobody asked for that.",
                    "Give inference=100 (--inference 100) as well.",
                )

    @property
    def betas(self) -> tuple[float, ...]:
        """Of the decoder's curve, in rising order; none where no curve is asked for.

        Example:
            >>> Options(decoder_curve=[2, 0.5]).betas, len(Options(decoder_curve=True).betas)
            ((0.5, 2.0), 9)
        """
        if isinstance(self.decoder_curve, bool | None):
            return BETAS if self.decoder_curve else ()
        try:
            return tuple(sorted({float(beta) for beta in self.decoder_curve}))
        except (TypeError, ValueError) as error:
            raise UsageError(
                "decoder_curve must be True, or values of β.", "Such as decoder_curve=[0.5, 1, 2]."
            ) from error

    def inputs(self, model: Any, data: Any = None) -> tuple[Any, ...]:
        """Everything that may name a file that an evaluation reads."""
        labels = [v for v in (self.labels, self.leaks) if isinstance(v, Mapping)]
        paths = [v for each in labels for v in each.values() if isinstance(v, str | Path)]
        book = [self.codebook] if isinstance(self.codebook, str | Path) else []
        return (model, data, self.covariates, *paths, *book)

    def asked(self, model: Any, data: Any = None) -> dict[str, Any]:
        """What differs from the defaults, as plain facts; what has no text of its own is None.

        Args:
            model: to be evaluated.
            data: to evaluate it on; None leaves it to the model.

        Example:
            >>> Options(draws=4, device="cpu").asked("vae.pt")
            {'model': 'vae.pt', 'draws': 4, 'device': 'cpu'}
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        chosen = {
            field.name: values[field.name]
            for field in fields(self)
            if field.name not in SHOWN_ONLY and differs(values[field.name], field.default)
        }
        given = {"model": model, **({} if data is None else {"data": data}), **chosen}
        return {name: plain(value) for name, value in given.items()}


def require_positive(**numbers: float | None) -> None:
    """Check numbers that a user chose, by name; None is no choice.

    Raises:
        UsageError: naming the first that is not positive, or not finite.
    """
    for name, value in numbers.items():
        if value is not None and not 0 < value < math.inf:
            finite = " and finite" if value > 0 else ""
            raise UsageError(f"{name} must be positive{finite}, not {value}.")


def differs(value: Any, default: Any) -> bool:
    """Whether an option is not its default; arrays and tensors are not compared value by value."""
    if isinstance(value, str | int | float):
        return bool(value != default)
    return value is not default


def plain(value: Any) -> str | int | float | None:
    """A choice as JSON holds it; None for what has no text of its own."""
    if isinstance(value, Path):
        return str(value)
    return value if isinstance(value, str | int | float) else None
