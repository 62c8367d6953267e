"""A difference between two models, and how large it must be to hold."""

from dataclasses import dataclass

from genprobe.estimators.students_t import students_t

PAIRED = ("elbo", "rate", "distortion")
"""The estimates that are means over examples, in the order they are shown."""
BOUND = "ais_bound"
"""The estimate by which models compare where some have no encoder, and so no ELBO."""
OF_LABELS = "label_information"
"""The estimate of each label that is a mean over examples."""
PAID = "rate_fitted_prior"
"""What a generator pays for codes, at most."""
LEVEL = 0.05


@dataclass(frozen=True, kw_only=True)
class Difference:
    """By how much one model exceeds another.

    Attributes:
        first: the model that is compared.
        second: the one it is compared with.
        name: of the estimate.
        value: first − second, in the unit of the estimate.
        se: Monte Carlo standard error for these very examples; None if unknown.
        se_data: standard error with the examples taken as a sample; None if unknown.
        n: number of examples.
        paired: whether the errors are those of the differences over examples; else the examples
            were not at hand, and the two models' own errors are added up as if independent.
    """

    first: str
    second: str
    name: str
    value: float
    se: float | None
    se_data: float | None
    n: int
    paired: bool

    @property
    def z(self) -> float | None:
        """The value in units of ``se_data``; None where that is zero or unknown."""
        return self.value / self.se_data if self.se_data else None


def critical_z(comparisons: int, n: int, level: float = LEVEL) -> float:
    """The |z| beyond which none of so many comparisons errs, with probability 1 − level.

    Bonferroni's bound, which holds however the comparisons depend on each other (Dunn 1961), on
    Student's t, because the error of a difference is itself from n examples. Where examples are not
    paired, the errors of two models have more degrees of freedom than n − 1 between them (Welch
    1947), so that the bound errs to the safe side.

    Args:
        comparisons: how many are made.
        n: number of examples; of a single one no z is known, and of two it says next to nothing.
        level: how often any of them may err.
    """
    return students_t(level / max(1, comparisons), max(1, n - 1))
