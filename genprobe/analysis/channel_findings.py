"""What is found of a latent with places: a scale unlike the config's, a field that is not white."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from genprobe.analysis.advice import Advice, Facts, error_of
from genprobe.analysis.notices import ERRORS, MISMATCH_SHARE
from genprobe.analysis.rounding import with_error
from genprobe.errors import Notice
from genprobe.report import Estimate, number
from genprobe.report.channels import Channel

SCALE = "scaling-factor-differs"
FIELD = "field-not-white"
SHARE = 0.02
"""Of a scale; of σ where it is a mean that differs: what the config may be off by."""
WHITE, STATIONARY = "channel-normal", "stationary-normal"
"""Priors without and with dependence between positions."""


def scale_differs(
    estimates: Mapping[str, Estimate], channels: Sequence[Channel], training: Mapping[str, Any]
) -> Notice | None:
    """A config scales or shifts codes otherwise than these data ask for.

    Args:
        estimates: by name.
        channels: of the latent.
        training: what the checkpoint says of itself, under diffusers' names.
    """
    found = [*whole_differs(estimates, training), *channels_differ(channels, training)]
    if not found:
        return None
    return Notice(
        code=SCALE,
        message=f"{'; '.join(found)}.",
        remedy="Scale and shift by what is measured where a generator is trained on such data, and "
        "keep the config's for one that was trained with it. Preprocessing other than the "
        "model's shows here too.",
    )


def whole_differs(estimates: Mapping[str, Estimate], training: Mapping[str, Any]) -> Iterator[str]:
    """The factors of the whole latent that differ, a clause each."""
    scale, shift = estimates.get("scaling_factor"), estimates.get("shift_factor")
    given = number_in(training, "scaling_factor")
    if scale is not None and given is not None and far(given, scale, abs(scale.value)):
        yield f"scaling_factor is {given:g} in the config, {measured(scale)} on these data"
    given = number_in(training, "shift_factor")
    if shift is None or scale is None or given is None:
        return
    if far(given, shift, 1 / scale.value):
        yield f"shift_factor is {given:g} in the config, {measured(shift)} on these data"


def channels_differ(channels: Sequence[Channel], training: Mapping[str, Any]) -> Iterator[str]:
    """The channel of which a config's mean or standard deviation is off most, a clause each."""
    for key, name in (("latents_std", "std"), ("latents_mean", "mean")):
        given = training.get(key)
        if not isinstance(given, Sequence) or len(given) != len(channels):
            continue
        off = []
        for c, (said, channel) in enumerate(zip(given, channels, strict=True)):
            estimate, known = getattr(channel, name), as_number(said)
            if known is not None and far(known, estimate, channel.std.value):
                off.append((abs(known - estimate.value) / channel.std.value, c, known, estimate))
        if off:
            _, c, known, estimate = max(off, key=lambda each: each[0])
            yield (
                f"{key} is off in {len(off)} of {len(channels)} channels, most in channel {c}: "
                f"{known:g} in the config, {measured(estimate)} on these data"
            )


def number_in(training: Mapping[str, Any], name: str) -> float | None:
    """A finite number that a checkpoint says; None where it says none."""
    return as_number(training.get(name))


def as_number(value: object) -> float | None:
    """A finite number; None of anything else."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if known and math.isfinite(value) else None  # type: ignore[arg-type]


def far(given: float, estimate: Estimate, unit: float) -> bool:
    """Whether a number is off by more than errors explain, and by enough to matter.

    Args:
        given: by the config.
        estimate: of these data.
        unit: that ``SHARE`` is of.
    """
    off = abs(given - estimate.value)
    return off > ERRORS * (error_of(estimate) or 0.0) and off > SHARE * unit


def measured(estimate: Estimate) -> str:
    """An estimate with its error."""
    return with_error(estimate.value, error_of(estimate), 3)


def not_white(estimates: Mapping[str, Estimate], scores: Mapping[str, float]) -> Notice | None:
    """A field with neighbours that depend on each other is far better than one without.

    Args:
        estimates: by name.
        scores: cross-fitted mean log density of every fitted prior, nats.
    """
    if not {"rate", "prior_saving"} <= estimates.keys() or not {WHITE, STATIONARY} <= scores.keys():
        return None
    best, rate = estimates["prior_saving"], estimates["rate"].value
    saving = best.value - max(scores.values()) + scores[STATIONARY]
    gain = scores[STATIONARY] - scores[WHITE]
    least = max(ERRORS * (error_of(best) or 0.0), MISMATCH_SHARE * rate)
    if min(gain, saving) <= least:
        return None
    return Notice(
        code=FIELD,
        message="Prior samples have no structure in space, and codes have: a stationary field "
        f"saves {number(saving, 0)} of the {number(rate, 0)} nats of rate, and {number(gain, 0)} "
        "against a field without neighbours.",
        remedy="Sample codes from a generator that is trained on them, or from the fitted prior: "
        "genprobe evaluate --write-prior FILE.npz; then --prior FILE.npz. The model stays as it "
        "is.",
    )


def take_measured_scale(facts: Facts) -> Advice | None:
    """The config's scale is not that of these data."""
    notice = facts.notice(SCALE)
    return (
        None if notice is None else Advice(sentence=f"Check the scale of codes: {notice.message}")
    )


def sample_from_a_field(facts: Facts) -> Advice | None:
    """Prior samples fail for want of structure in space."""
    saving = facts.estimate("prior_saving")
    if saving is None or facts.notice(FIELD) is None:
        return None
    rung = facts.report.provenance.get("fitted_prior")
    name = rung.get("rung", "a fitted prior") if isinstance(rung, Mapping) else "a fitted prior"
    return Advice(
        sentence="Do not sample from the prior: its samples fail because the field of codes is not "
        f"white. {name} (--write-prior) saves {facts.write_estimate('prior_saving')} {facts.unit}.",
        nats=saving.value,
        error=error_of(saving),
    )
