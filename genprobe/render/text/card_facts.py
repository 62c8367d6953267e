"""What a card says of the codes of a model, whatever it is written as."""

import dataclasses
from collections.abc import Mapping, Sequence

from genprobe.analysis.advice import error_of
from genprobe.analysis.paid import UNIFORM, Paid
from genprobe.analysis.rounding import decimals_of, with_error
from genprobe.analysis.verdict import verdict
from genprobe.errors import Notice
from genprobe.estimators.catalog import row_of
from genprobe.render.text.token_lines import candidate_name, counted_noun
from genprobe.report import Estimate, Report

COUNTED = ("saturated", "marginal-kl-is-floor")
"""Findings on what so few examples can show of I(n;z), which a card does not have."""
QUALITY = {
    "distortion": "distortion D",
    "psnr": "PSNR",
    "ssim": "SSIM",
    "ms_ssim": "MS-SSIM",
    "rfid": "rFID",
    "lpips": "LPIPS",
}
"""How well codes reconstruct, by estimate; all but the first are of plugins."""
BARE = ("ratio", "count", "")
"""Units that no number is followed by."""
DECIMALS = 5
"""Of a factor without an error."""


def card_notices(report: Report) -> list[Notice]:
    """The findings of a report that are of its card."""
    return [notice for notice in report.warnings if notice.code not in COUNTED]


def card_sentences(report: Report) -> tuple[str, ...]:
    """What to do, the most nats at stake first."""
    return verdict(dataclasses.replace(report, warnings=card_notices(report)))


def codes_in_words(report: Report) -> str:
    """The shape of the codes and how many they are of.

    As "7 × 7 tokens of 512 codes", "4 channels of 8 × 8 positions" or "10 latent dimensions".
    """
    if report.tokens is not None:
        codes = counted_noun(report.tokens.classes, "code")
        if report.tokens.tokens == 1:
            return f"1 token of {codes}"
        return f"{' × '.join(map(str, report.tokens.shape))} tokens of {codes}"
    if report.grid is not None:
        channels, *positions = report.grid.shape
        places = " × ".join(map(str, positions))
        return f"{counted_noun(channels, 'channel')} of {places} positions"
    return counted_noun(len(report.dimensions), "latent dimension")


def knowledge(paid: Paid) -> str:
    """What a generator knows that pays so much."""
    return "nothing" if paid.candidate == UNIFORM else candidate_name(paid.candidate)


def in_bits(paid: Paid, by: int, decimals: int) -> str:
    """Bits of each of so many parts of an example, with their error.

    Args:
        paid: of an example.
        by: number of parts.
        decimals: without an error.
    """
    return with_error(paid.bits, paid.bits_error, decimals, by)


def quality(report: Report) -> list[tuple[str, Estimate]]:
    """How well the codes reconstruct: what it is called, and the estimate."""
    return [
        (label, report.estimates[name])
        for name, label in QUALITY.items()
        if name in report.estimates
    ]


def in_its_unit(estimate: Estimate) -> str:
    """An estimate with its error and unit."""
    unit = "" if estimate.unit in BARE else f" {estimate.unit or row_of(estimate.name).unit}"
    return f"{with_error(estimate.value, error_of(estimate))}{unit}"


def config_values(report: Report) -> dict[str, str]:
    """What a config of diffusers takes, as numbers of JSON with the digits that are known."""
    found = {}
    for name in ("scaling_factor", "shift_factor"):
        if report.channels and name in report.estimates:
            found[name] = digits(report.estimates[name])
    if report.channels:
        found["latents_mean"] = listed([channel.mean for channel in report.channels])
        found["latents_std"] = listed([channel.std for channel in report.channels])
    return found


def listed(estimates: Sequence[Estimate]) -> str:
    """Estimates as a list of JSON."""
    return f"[{', '.join(map(digits, estimates))}]"


def digits(estimate: Estimate) -> str:
    """An estimate as a number of JSON, with as many decimals as two digits of its error.

    Example:
        >>> facts = {"kind": "exact", "unit": "1/z", "n": 900, "se": 0.0}
        >>> digits(Estimate(name="scaling_factor", value=-0.21347, se_data=0.0021, **facts))
        '-0.2135'
    """
    decimals = decimals_of(error_of(estimate), DECIMALS)
    return f"{estimate.value:.{DECIMALS if decimals is None else decimals}f}"


def config_says(report: Report, name: str) -> str:
    """What the model's own config says of a factor, to follow the measured one; else empty."""
    training = report.provenance.get("training")
    given = training.get(name) if isinstance(training, Mapping) else None
    known = isinstance(given, int | float) and not isinstance(given, bool)
    return f" (config {given:g})" if known else ""
