"""The command, or the Python, that makes a page or a report again, from what reports say.

Where the page itself was written nothing says, so its command writes ``report.html``.
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from genprobe.analysis.regimes import DEFAULT_CUTS
from genprobe.comparing.comparison import Comparison
from genprobe.render.text.rows import GIVEN
from genprobe.report import Report

OPTIONS = (
    *("data", "split", "binarize", "store", "draws", "tolerance", "max_queries"),
    *("batch_size", "device", "dtype", "seed", "prior", "entropy", "bin_width"),
    *("factory", "family"),
)
"""Options of ``genprobe evaluate`` that change what it does; a factory is named with --model."""
SWITCHES = ("fresh", "trust")
PAGE = "report.html"
CUTS = "cuts.toml"
"""What stands for a file of cuts, which no report names."""


def reproduce(report: Report, unit: str | None = None) -> str | None:
    """What to run to have this report again; None where nothing says.

    Args:
        report: whose provenance says what was asked, or which keeps its store.
        unit: of the page about this report alone that is also to be made, if one is.
    """
    asked = report.provenance.get("asked")
    if not isinstance(asked, Mapping):
        words = from_store(report)
    elif is_text(asked):
        words = command([asked["model"]], asked)
    else:
        return call(asked)
    if words is None:
        return None
    return shlex.join(words if unit is None else [*words, *page(unit)])


def reproduce_stores(comparison: Comparison, unit: str) -> str | None:
    """``genprobe compare STORE…`` with its page; None for one report, or if a store is not kept.

    Args:
        comparison: on the page.
        unit: of the page.
    """
    stores = [kept_store(report) for report in comparison.reports]
    if len(stores) < 2 or None in stores:
        return None
    words = ["genprobe", "compare", *filter(None, stores), *asked_of_all(comparison)]
    if comparison.entropy_source == GIVEN:
        words += ["--entropy", str(comparison.entropy)]
    return shlex.join([*words, *page(unit)])


def reproduce_models(comparison: Comparison, unit: str) -> str | None:
    """``genprobe evaluate MODEL…`` with its page; None unless models were asked for alike.

    Args:
        comparison: on the page.
        unit: of the page.
    """
    asked = [report.provenance.get("asked") for report in comparison.reports]
    models = [a["model"] for a in asked if isinstance(a, Mapping) and is_text(a)]
    options = [{k: v for k, v in (a or {}).items() if k != "model"} for a in asked]
    alike = len(models) == len(asked) > 1 and all(o == options[0] for o in options)
    if not alike or "store" in options[0]:  # a store is of one model
        return None
    words = [*command(models, options[0]), *asked_of_all(comparison), *page(unit)]
    return shlex.join(words)


def asked_of_all(comparison: Comparison) -> list[str]:
    """The options of a comparison that are not its defaults."""
    words = [] if comparison.sort == "rate" else ["--sort", comparison.sort]
    if comparison.reference and comparison.best and comparison.reference != comparison.best:
        words += ["--against", comparison.reference]
    if comparison.cuts != DEFAULT_CUTS:
        words += ["--regime-cuts", CUTS]
    return words + (["--side-by-side"] if comparison.side_by_side else [])


def page(unit: str) -> list[str]:
    """The options that write a page in a unit."""
    return [*([] if unit == "nats" else ["--unit", unit]), "--html", PAGE]


def is_text(asked: Mapping[str, Any]) -> bool:
    """Whether everything that was asked can be said on the command line."""
    said = all(value is not None for value in asked.values())
    return said and asked.keys() <= {"model", *OPTIONS, *SWITCHES}


def command(models: Sequence[Any], asked: Mapping[str, Any]) -> list[str]:
    """``genprobe evaluate MODEL… --data D …``, in words."""
    words = ["genprobe", "evaluate", *map(str, models)]
    for name in OPTIONS:
        if asked.get(name) is not None:
            option = "model" if name == "factory" else name.replace("_", "-")
            words += [f"--{option}", str(asked[name])]
    return words + [f"--{name}" for name in SWITCHES if asked.get(name)]


def call(asked: Mapping[str, Any]) -> str:
    """The call of ``genprobe.evaluate``; what has no text of its own goes by its parameter."""
    given = {name: name if value is None else repr(value) for name, value in asked.items()}
    words = [v if k in ("model", "data") else f"{k}={v}" for k, v in given.items()]
    return f"genprobe.evaluate({', '.join(words)})"


def from_store(report: Report) -> list[str] | None:
    """``genprobe show STORE …`` in words, for a report made without the model."""
    if report.store is None:
        return None
    facts = report.provenance
    options = {"tolerance": facts.get("tolerance"), "bin-width": facts.get("bin_width")}
    words = ["genprobe", "show", str(report.store.path)]
    for name, value in options.items():
        if value is not None:
            words += [f"--{name}", str(value)]
    return words


def kept_store(report: Report) -> str | None:
    """The path of the store a report was made from, unless it was a temporary one."""
    if "asked" in report.provenance or report.store is None:
        return report.provenance.get("store")
    return str(report.store.path)
