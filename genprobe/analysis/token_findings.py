"""What is found of the codes of a quantiser: classes nobody uses, codes that tell of each other."""

import math
from collections.abc import Mapping

from genprobe.analysis.advice import Advice, Facts, error_of
from genprobe.analysis.notices import ERRORS
from genprobe.analysis.withheld import LEAST_EXAMPLES
from genprobe.errors import Notice
from genprobe.report import Estimate, number
from genprobe.report.tokens import TokenBound, TokenReport

UNUSED, DEPENDENT, EQUAL = "codes-unused", "codes-dependent", "codebook-duplicates"
SHARE = 0.1
"""Of the classes: so many that no number of examples would use are worth a word."""
SAVED = 0.05
"""Of the histogram's nats, by which codes that tell of each other are cheaper."""
NEW = 0.01
"""New classes a token in the second half of the examples: with more, the rest may only be rare."""
LEAST = 0.01
"""Nats a token, which they must be cheaper by as well."""
HISTOGRAM = "token-histogram"
RELATED = {
    "token-context": "a context of neighbours",
    "token-levels": "the level before",
}
"""Candidates that know another token, and what they know."""


def unused(tokens: TokenReport | None) -> Notice | None:
    """A part of the codebook is dead."""
    if tokens is None:
        return None
    left = tokens.classes - tokens.used
    if left - tokens.unseen <= SHARE * tokens.classes or still_growing(tokens):
        return None
    would = f"at least about {tokens.unseen:.0f}" if tokens.unseen >= 0.5 else "none"
    return Notice(
        code=UNUSED,
        message=f"{share_unused(tokens)} of {tokens.classes} codes are never used ({left}); more "
        f"examples would use {would} of them.",
        remedy="A smaller codebook would do as well; or restart dead codes at encoder outputs in "
        "training. The report lists them.",
    )


def still_growing(tokens: TokenReport) -> bool:
    """Whether so many more classes come with every example that the rest may only be rare.

    Chao's estimate of those not seen is a lower bound, far too low where many are rare; by how much
    usage grew over the second half of the examples is at least by how much it still grows.
    """
    n, used_by_all = tokens.growth[-2]
    if n < LEAST_EXAMPLES:
        return True
    half, used_by_half = tokens.growth[-3]
    return used_by_all - used_by_half > NEW * (n - half) * tokens.tokens


def share_unused(tokens: TokenReport) -> str:
    """The share of classes that nobody uses, as a percentage."""
    return f"{100 * (1 - tokens.used / tokens.classes):.0f} %"


def related(tokens: TokenReport | None) -> TokenBound | None:
    """What the best candidate pays that knows another token, if far less than the histogram."""
    if tokens is None:
        return None
    histogram = tokens.bound(HISTOGRAM)
    known = [b for b in tokens.bounds if b.candidate in RELATED]
    if histogram is None or not known:
        return None
    best = min(known, key=lambda each: each.nats.value)
    saved = histogram.nats.value - best.nats.value
    error = math.hypot(error_of(histogram.nats) or 0.0, error_of(best.nats) or 0.0)
    least = max(ERRORS * error, SAVED * histogram.nats.value, LEAST * tokens.tokens)
    return best if saved > least else None


def dependent(
    tokens: TokenReport | None, estimates: Mapping[str, Estimate] | None = None
) -> Notice | None:
    """Codes are far from independent of each other, and the prior does not know it.

    Args:
        tokens: of the report.
        estimates: of the report, by name: what a fitted prior saves.
    """
    saving = (estimates or {}).get("prior_saving")
    if saving is not None and saving.value <= ERRORS * (error_of(saving) or 0.0):
        return None
    best = related(tokens)
    histogram = None if tokens is None else tokens.bound(HISTOGRAM)
    if tokens is None or best is None or histogram is None:
        return None
    return Notice(
        code=DEPENDENT,
        message=f"{RELATED[best.candidate].capitalize()} pays {number(best.bits_per_token, 2)} of "
        f"{number(math.log2(tokens.classes), 2)} bits a token, and the histogram "
        f"{number(histogram.bits_per_token, 2)}: the codes are far from independent.",
        remedy="Codes drawn each for itself decode to nothing like the data. Give the generator "
        "their neighbours, or sample from the fitted prior: genprobe evaluate --write-prior "
        "FILE.npz; then --prior FILE.npz.",
    )


def duplicates(tokens: TokenReport | None) -> Notice | None:
    """Vectors of the codebook are equal."""
    if tokens is None or not tokens.duplicates:
        return None
    copies = sum(len(group) - 1 for group in tokens.duplicates)
    first = " = ".join(map(str, tokens.duplicates[0][:4]))
    return Notice(
        code=EQUAL,
        message=f"{copies} of {tokens.classes} codes have the codebook vector of another ({first}"
        f"{', …' if len(tokens.duplicates) > 1 else ''}).",
        remedy="Which of them is chosen says nothing of x, and a generator pays for it: keep one "
        "of each.",
    )


def shrink_codebook(facts: Facts) -> Advice | None:
    """A part of the codebook is dead."""
    tokens = facts.report.tokens
    if tokens is None:
        return None
    return Advice(
        sentence=f"Shrink the codebook, or revive its dead codes while training: "
        f"{share_unused(tokens)} of {tokens.classes} are never used."
    )


def sample_with_neighbours(facts: Facts) -> Advice | None:
    """Codes are far from independent of each other."""
    tokens, saving = facts.report.tokens, facts.estimate("prior_saving")
    best = related(tokens)
    if tokens is None or best is None:
        return None
    said = ""
    if saving is not None and saving.value > 0:
        said = f", and saves {facts.write_estimate('prior_saving')} {facts.unit} (--write-prior)"
    return Advice(
        sentence=f"Do not draw codes one by one: {RELATED[best.candidate]} pays "
        f"{number(best.bits_per_token, 2)} of {number(math.log2(tokens.classes), 2)} bits a "
        f"token{said}.",
        nats=0.0 if saving is None else max(saving.value, 0.0),
        error=None if saving is None else error_of(saving),
    )


def merge_duplicates(facts: Facts) -> Advice | None:
    """Vectors of the codebook are equal."""
    tokens = facts.report.tokens
    if tokens is None or not tokens.duplicates:
        return None
    copies = sum(len(group) - 1 for group in tokens.duplicates)
    return Advice(
        sentence=f"Keep one code of each vector: {copies} of {tokens.classes} are copies of others."
    )
