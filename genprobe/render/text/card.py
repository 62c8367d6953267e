"""A model card of a tokenizer as Markdown: what a generator pays for its codes, and from what.

Its front matter is what the Hugging Face Hub shows as results. The last line holds a hash of all
above it, so that a card that somebody edited is told from one that may be written again.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment
from xxhash import xxh3_128_hexdigest

from genprobe._version import __version__
from genprobe.analysis.paid import candidates_of
from genprobe.escape import escaped
from genprobe.render.page.reproduce import reproduce
from genprobe.render.text import templating
from genprobe.render.text.card_facts import (
    card_notices,
    card_sentences,
    codes_in_words,
    config_says,
    config_values,
    in_bits,
    in_its_unit,
    knowledge,
    quality,
)
from genprobe.render.text.card_screen import token_facts
from genprobe.render.text.front_matter import front_matter, scalar
from genprobe.render.text.markdown import escape_markdown, literal
from genprobe.render.text.token_lines import counted_noun
from genprobe.report import Report
from genprobe.runtime.output_file import ResultKind

MARK = "<!-- genprobe card "
"""How the last line of every card begins."""
LARGEST = 1 << 24
"""Bytes of a file up to which it is read to find out whether it is a card."""
PAID_NOTE = (
    "Bits under the best code for each prior, at most: fitted priors are scored on examples they "
    "were not fitted to. A pixel is one with all its channels."
)
CONFIG_NOTE = (
    "As diffusers names them: codes are generated as (z − shift_factor) · scaling_factor, or by "
    "channel as (z − latents_mean) / latents_std."
)


def to_card(report: Report) -> str:
    """A report as a model card.

    Args:
        report: of one model.

    Example:
        >>> import genprobe, torch
        >>> index = torch.arange(400).reshape(200, 2) % 7
        >>> report = genprobe.evaluate_posteriors({"index": index, "classes": 8}, name="vq")
        >>> to_card(report).splitlines()[:6]
        ['---', 'tags:', '- "genprobe"', '- "tokenizer"', 'model-index:', '- name: "vq"']
    """
    report = escaped(report)
    head = yaml_environment().get_template("card.yaml.j2").render(front_matter(report))
    body = card_environment().get_template("card.md.j2").render(card_content(report))
    text = f"{head}\n{body}\n"
    return f"{text}{MARK}{digest_of(text)} -->\n"


@cache
def yaml_environment() -> Environment:
    """The template of the front matter, in which every value is a scalar of YAML."""
    env = templating.template_environment(
        "text", autoescape=False, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    env.filters["scalar"] = scalar
    return env


@cache
def card_environment() -> Environment:
    """The template of the text, in which a name starts no HTML and breaks no table."""
    env = templating.template_environment(
        "text",
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=lambda value: escape_markdown(value) if isinstance(value, str) else value,
    )
    env.filters |= {"literal": literal, "bare": lambda text: text.replace("`", "'")}
    return env


def card_content(report: Report) -> dict[str, Any]:
    """What the text of a card says.

    Args:
        report: of one model, its names escaped.
    """
    headings, rows = paid_table(report)
    return {
        "title": report.model,
        "about": f"{codes_in_words(report)}, measured on "
        f"{counted_noun(report.n, 'example')} of "
        f"{report.dataset.removeprefix(f'{report.n} of ')}.",
        "sentences": card_sentences(report),
        "headings": headings,
        "paid": rows,
        "paid_note": PAID_NOTE,
        "usage": [] if report.tokens is None else list(token_facts(report)),
        "config": config_values(report),
        "config_note": CONFIG_NOTE + differing_config(report),
        "quality": [(label, in_its_unit(estimate)) for label, estimate in quality(report)],
        "notices": card_notices(report),
        "provenance": list(measured_how(report)),
    }


def paid_table(report: Report) -> tuple[list[str], list[list[str]]]:
    """What each candidate prior pays: headings, and a row each."""
    every = candidates_of(report)
    known = [
        ("bits a pixel", "pixels", 4),
        ("bits a token", "tokens", 3),
    ]
    parts = [each for each in known if every and getattr(every[0], each[1])]
    headings = [heading for heading, _, _ in parts]
    rows = [
        [
            knowledge(paid),
            *(in_bits(paid, getattr(paid, name), decimals) for _, name, decimals in parts),
            in_bits(paid, 1, 2),
        ]
        for paid in every
    ]
    return [*headings, "bits an example"], rows


def differing_config(report: Report) -> str:
    """What the model's own config says of the factors, a sentence; empty where it says nothing."""
    said = [
        f"{name}{config_says(report, name)}"
        for name in ("scaling_factor", "shift_factor")
        if config_says(report, name)
    ]
    return f" The model's own: {', '.join(said)}." if said else ""


def measured_how(report: Report) -> Iterator[tuple[str, str]]:
    """From what the numbers are, by name."""
    facts = report.provenance
    shape = " × ".join(map(str, facts.get("event_shape") or ()))
    yield "data", report.dataset
    yield "examples", f"{report.n}{f' of shape {shape}' if shape else ''}"
    yield "preprocessing", preprocessing(report)
    for key in ("family", "prior", "likelihood", "draws", "seed", "dtype"):
        if facts.get(key) is not None:
            yield key, str(facts[key])
    for key in ("model_fingerprint", "dataset_fingerprint"):
        if facts.get(key):
            yield key.replace("_", " "), str(facts[key])
    yield "made by", f"genprobe {facts.get('genprobe', __version__)}"
    command = reproduce(report)
    if command is not None:
        yield "command", command


def preprocessing(report: Report) -> str:
    """What was done to the data before the model saw them."""
    mode = report.provenance.get("binarize", "none")
    asked = report.provenance.get("asked")
    given = asked if isinstance(asked, dict) else {}
    said = [] if mode == "none" else [f"binarised ({mode})"]
    said += [f"bytes as {given['bytes']}"] if given.get("bytes") else []
    said += [f"{given['limit']} examples at random"] if given.get("limit") else []
    return ", ".join(said) or "none by genprobe"


def digest_of(text: str) -> str:
    """A hash of a card without its last line."""
    return str(xxh3_128_hexdigest(bytes(text, "utf-8", "backslashreplace")))


def wrote_card(path: Path) -> bool:
    """Whether a file is a card as genprobe wrote it: nothing was changed since."""
    if path.stat().st_size > LARGEST:
        return False
    text, mark, last = path.read_text(encoding="utf-8", errors="replace").rpartition(MARK)
    return bool(mark) and last.strip() == f"{digest_of(text)} -->"


CARD = ResultKind(name="a card as genprobe wrote it", wrote=wrote_card)
