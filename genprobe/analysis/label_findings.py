"""What is found of labels: leaks, labels that the decoder has anyway, figures that only count."""

from collections.abc import Collection, Iterable, Mapping

from genprobe.analysis.advice import Advice, Facts, error_of
from genprobe.analysis.rounding import rounded
from genprobe.errors import Notice
from genprobe.report import number
from genprobe.report.labels import LIMIT, LabelReport

SUMMED_UP = 2
"""Labels that a verdict has a sentence of."""


def leaks(labels: Mapping[str, LabelReport]) -> Notice | None:
    """Labels are in the code that should not be there."""
    found = [each for each in labels.values() if each.leak is not None and each.leak.found]
    if not found:
        return None
    said = "; ".join(f"{each.name} leaks {amount(each)}{p_value(each)}" for each in found)
    return Notice(
        code="label-leak",
        message=f"{said}.",
        remedy="Give it to the decoder, so that the code need not have it, or train against it.",
    )


def amount(label: LabelReport) -> str:
    """How much leaks at least, of how much there is."""
    whole = number(label.estimates["label_entropy"].value)
    if label.leak is None or label.leak.lower <= 0:
        return f"an unknown part of {whole} nats"
    return f"at least {number(label.leak.lower)} of {whole} nats"


def p_value(label: LabelReport) -> str:
    """What the test says, in brackets; empty where there was none."""
    leak = label.leak
    return "" if leak is None or leak.p_value is None else f" (p = {leak.p_value:.2f})"


def told_though_given(labels: Iterable[LabelReport], given: Collection[str]) -> list[LabelReport]:
    """Labels that the model is given, so that its code need not tell them, and that it tells."""
    return [each for each in labels if each.name in given and at_least(each) > 0]


def at_least(label: LabelReport) -> float:
    """What the code tells of a label at least, at 95 %, nats; 0 where it may be nothing."""
    lower = label.estimates["label_information"]
    return 0.0 if lower.se_data is None else max(0.0, lower.value - LIMIT * lower.se_data)


def given(labels: Mapping[str, LabelReport], to_model: Collection[str]) -> Notice | None:
    """The code tells a label that the decoder is given."""
    found = told_though_given(labels.values(), to_model)
    if not found:
        return None
    names = ", ".join(each.name for each in found)
    least = ", ".join(number(at_least(each)) for each in found)
    return Notice(
        code="label-given",
        message=f"The model is given {names}, and the code tells at least {least} nats of it.",
        remedy="Wanted are 0: what the decoder has the code need not repeat. Lower its rate, or "
        "train against it.",
    )


def saturated(labels: Mapping[str, LabelReport]) -> Notice | None:
    """Figures for these N that would be as large for a random label."""
    names = ", ".join(each.name for each in labels.values() if each.saturated)
    if not names:
        return None
    return Notice(
        code="label-saturated",
        message=f"I(y;z) for these N says nothing of {names}: of a random label it is as large.",
        remedy="Quote the label information I(Y;Z) for the population.",
    )


def stop_leak(facts: Facts) -> Advice | None:
    """Labels leak."""
    found = [v for v in facts.report.labels.values() if v.leak is not None and v.leak.found]
    if not found:
        return None
    said = []
    for label in found:
        whole = facts.write(label.estimates["label_entropy"].value)
        least = 0.0 if label.leak is None else label.leak.lower
        part = f"at least {facts.write(least)}" if least > 0 else "some"
        said.append(f"{label.name} leaks {part} of its {whole} {facts.unit}")
    names = " and ".join(label.name for label in found)
    return Advice(
        sentence=f"Take {names} out of the code: {'; '.join(said)}.",
        nats=sum(label.leak.lower for label in found if label.leak is not None),
    )


def keep_out(facts: Facts) -> Advice | None:
    """The code tells what the decoder is given."""
    told = told_though_given(facts.report.labels.values(), labels_given(facts))
    known = [each for each in told if each.leak is None or not each.leak.found]
    if not known:
        return None
    names = " and ".join(each.name for each in known)
    estimates = [each.estimates["label_information"] for each in known]
    nats = " and ".join(facts.write(each.value, error_of(each)) for each in estimates)
    return Advice(
        sentence=f"Keep {names} out of the code: the model is given it, so it need tell 0, and it "
        f"tells {nats} {facts.unit}.",
        nats=sum(each.value for each in estimates),
    )


def labels_given(facts: Facts) -> list[str]:
    """The labels that the model is given."""
    found = facts.report.provenance.get("labels_given", [])
    return [str(name) for name in found] if isinstance(found, list | tuple) else []


def label_summary(facts: Facts) -> str:
    """What the code tells of the labels, a sentence each; empty where there are none."""
    labels, to_model = facts.report.labels, labels_given(facts)
    quiet = [v for v in labels.values() if v.leak is None or not v.leak.found]
    loud = told_though_given(quiet, to_model)
    said = [summed_up(facts, each, to_model) for each in quiet if each not in loud]
    left = len(said) - SUMMED_UP
    more = f"{left} more label{'s' * (left > 1)} below." if left > 0 else ""
    return " ".join(filter(None, [*said[:SUMMED_UP], more]))


def summed_up(facts: Facts, label: LabelReport, to_model: Collection[str]) -> str:
    """What the code tells of one label, in a sentence."""
    lower, entropy = label.estimates["label_information"], label.estimates["label_entropy"]
    whole = f"{rounded(entropy.value / facts.scale, None, facts.decimals)} {facts.unit}"
    upper = label.estimates.get("label_information_upper", entropy)
    most = f"at most {facts.write(upper.value)} of its {whole}"
    if label.leak is not None:
        return (
            f"No leak of {label.name} found: at most {facts.write(label.leak.upper)} of its "
            f"{whole} at 95 %."
        )
    if label.name in to_model:
        return (
            f"The model is given {label.name}, and the code tells none of it for sure, as it "
            f"should: {most}."
        )
    if at_least(label) <= 0:
        return f"Of {label.name} the code tells nothing for sure: {most}."
    return (
        f"The label {label.name} takes {facts.write(lower.value, error_of(lower))} of its "
        f"{whole}{other_things(facts, lower.value)}."
    )


def other_things(facts: Facts, told: float) -> str:
    """How much of the rate is about something else than a label."""
    rate = facts.estimate("rate")
    if rate is None or rate.value <= told:
        return ""
    rest = facts.write(rate.value - told, error_of(rate)).partition(" ")[0]
    return f"; {rest} {facts.unit} of the rate are about something else"
