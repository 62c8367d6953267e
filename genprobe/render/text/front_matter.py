"""The front matter of a card: results as the Hugging Face Hub reads them, in its ``model-index``.

Scalars are written as JSON, which is YAML, but for what YAML 1.1 reads otherwise: a number needs a
point before its exponent, and some characters may not stand for themselves.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from genprobe.analysis.advice import error_of
from genprobe.analysis.paid import least_paid
from genprobe.render.text.card_facts import quality
from genprobe.report import Estimate, Report

DIGITS = 6
"""Of a value that is not rounded to its error."""
SPECIAL = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
"""Characters that YAML does not let stand for themselves."""
DATASET = r"([\w-]+/)?[\w.-]+"
"""What the Hub takes as the name of a data set."""
ENTROPY = "code_entropy"
USAGE = ("code_perplexity", "code_usage", "scaling_factor", "shift_factor")
"""Estimates of codes that are results as they are."""


def front_matter(report: Report) -> dict[str, Any]:
    """What stands before a card, for the template: the task, the data and every metric.

    Args:
        report: of one model.
    """
    images = len(report.provenance.get("event_shape") or ()) > 1
    return {
        "name": report.model,
        "tags": ["genprobe", "tokenizer" if report.tokens else "vae"],
        "task": ("image-to-image", "Image tokenization")
        if images
        else ("feature-extraction", "Tokenization"),
        "dataset": (f"{report.dataset} (N = {report.n})", slug(report.dataset)),
        "metrics": list(metrics(report)),
    }


def slug(name: str) -> str:
    """A name as the Hub takes it of a data set: perhaps an owner, without a point, then a name.

    Example:
        >>> slug("python:data:celeba 64"), slug("mnist/t10k-images"), slug("a/b/c"), slug("…")
        ('python-data-celeba-64', 'mnist/t10k-images', 'a-b-c', 'data')
    """
    plain = re.sub(r"[^A-Za-z0-9._/-]+", "-", name).strip("-/.")
    return (plain if re.fullmatch(DATASET, plain) else plain.replace("/", "-")) or "data"


def metrics(report: Report) -> Iterator[dict[str, Any]]:
    """Every result: its type, name and value, and what is known of its error."""
    best = least_paid(report)
    if best is not None:
        parts = {"pixel": best.pixels, "token": best.tokens, "example": 1}
        for part, count in parts.items():
            if count:
                by, name = math.log(2) * count, f"Bits per {part} under {best.candidate}"
                yield metric(f"bits_per_{part}", name, best.nats, by, prior=best.candidate)
    if ENTROPY in report.estimates:
        entropy = report.estimates[ENTROPY]
        yield metric(ENTROPY, "Entropy of the codes, bits per token", entropy, math.log(2))
    for name in USAGE:
        if name in report.estimates:
            yield metric(name, name.replace("_", " ").capitalize(), report.estimates[name])
    for label, estimate in quality(report):
        yield metric(estimate.name, label[0].upper() + label[1:], estimate)


def metric(
    kind: str, name: str, estimate: Estimate, by: float = 1.0, **more: str
) -> dict[str, Any]:
    """One result.

    Args:
        kind: its type.
        name: as a reader sees it.
        estimate: that it is of.
        by: what that is divided by.
        more: facts of how it was measured.
    """
    error = error_of(estimate)
    known = {"standard_error": None if error is None else shortened(error / by)}
    unit = {} if by != 1.0 else {"unit": estimate.unit}
    bound = {} if estimate.kind in ("exact", "estimate") else {"bound": estimate.kind}
    facts = {**known, "examples": estimate.n, **unit, **bound, **more}
    return {"type": kind, "name": name, "value": shortened(estimate.value / by), "args": facts}


def shortened(value: float) -> float:
    """A number of so many digits."""
    return float(f"{value:.{DIGITS}g}")


def scalar(value: Any) -> str:
    r"""A plain value as YAML.

    Example:
        >>> scalar(1e-07), scalar("a: 'b'\n"), scalar(None), scalar(True)
        ('1.0e-07', '"a: \'b\'\\n"', 'null', 'true')
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            return "null"
        text = repr(value)
        return text if "e" not in text or "." in text else text.replace("e", ".0e")
    text = json.dumps(value, ensure_ascii=False)
    return SPECIAL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
