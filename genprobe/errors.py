"""What genprobe raises when the input, not the program, is at fault, and what it warns of."""

from dataclasses import dataclass
from typing import Any

from genprobe.escape import escape

__all__ = [
    "DataError",
    "GenprobeError",
    "ModelError",
    "Notice",
    "OtherRankError",
    "PluginError",
    "StoreError",
    "SupportError",
    "UnavailableError",
    "UntrustedError",
    "UsageError",
    "reason_of",
]


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A warning in a report: a stable code, one sentence of cause, one of remedy."""

    code: str
    message: str
    remedy: str


class GenprobeError(Exception):
    """A fault the user can mend: what is wrong and where, then what to do.

    Args:
        what: one line that names the fault and its place (file, example index, dimension).
        remedy: one line that says what to do about it, if anything can be.
    """

    def __init__(self, what: str, remedy: str = "") -> None:
        self.what, self.remedy = escape(what), escape(remedy)
        super().__init__("\n".join(line for line in (self.what, self.remedy) if line))

    def __reduce__(self) -> tuple[Any, ...]:
        """How it reaches another process: whatever the subclass's own arguments are."""
        return type(self).__new__, (type(self), *self.args), self.__dict__


class UsageError(GenprobeError):
    """A choice makes no sense whatever the model and data are; commands exit with 2."""


def reason_of(error: Exception) -> str:
    r"""The first line of what an exception says, to be quoted within a sentence.

    Args:
        error: whose type is named where it says nothing.

    >>> reason_of(ValueError("The shapes differ.\nGive others."))
    'The shapes differ'
    >>> reason_of(MemoryError())
    'MemoryError'
    """
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


class ModelError(GenprobeError):
    """A checkpoint cannot be read, or a model's parts do not fit together."""


class UntrustedError(ModelError):
    """A checkpoint would run code, and the user has not said that it may."""


class DataError(GenprobeError):
    """A data set cannot be read or does not fit the model."""


class SupportError(DataError):
    """A value of the data lies where the likelihood is not defined.

    Args:
        example: position of the example, counted from the first that was looked at.
        value: the first value at fault in it.
        likelihood: its registered name.
        needs: which values it is defined for.
        remedy: one line that says what to do about it.
    """

    def __init__(
        self, example: int, value: float, likelihood: str, needs: str, remedy: str
    ) -> None:
        super().__init__(
            f"Example {example} has the value {value:.9g}; the likelihood {likelihood} needs "
            f"{needs}.",
            remedy,
        )
        self.example, self.value, self.likelihood, self.needs = example, value, likelihood, needs

    def after(self, start: int) -> "SupportError":
        """The same error where ``start`` examples came before those that were looked at."""
        return SupportError(
            self.example + start, self.value, self.likelihood, self.needs, self.remedy
        )


class StoreError(GenprobeError):
    """A store cannot be read or written, or belongs to something else."""


class PluginError(GenprobeError):
    """A part was asked for that no working plugin provides, or that two provide."""


class UnavailableError(GenprobeError):
    """A quantity does not exist for this model; the report goes on without it.

    With a remedy the report also warns: the quantity ought to exist and something is at fault.
    """


class OtherRankError(GenprobeError):
    """Another process of the group met a fault, and tells of it itself."""
