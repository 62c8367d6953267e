"""Show what published models look like: ``python -m validation.gallery``.

Needs MNIST's test images under GENPROBE_DATA_DIR and the models of examples/real_models.py under
GENPROBE_MODELS_DIR. Writes docs/gallery.md and the figures in docs/gallery.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import as_file, files
from pathlib import Path

import click

import genprobe
from examples.real_models import resize_to_32
from genprobe import Report

IMAGES = "mnist/t10k-images-idx3-ubyte.gz"
DRAWS = 4
COLUMNS = "80"
INTRODUCTION = """# Gallery

What trained models look like: those that ship with genprobe, and some that others trained and
published, on MNIST's 10000 test images. Written by `nox -s gallery`; no number in a table is typed
by hand.
"""


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """Models that are shown side by side, or a single one.

    Attributes:
        name: of its figure.
        title: its heading.
        text: what the models are, and what to look at.
        reports: of each.
    """

    name: str
    title: str
    text: str
    reports: Sequence[Report]


SHIPPED = """The four models of `genprobe demo`: one network of two hidden layers and 16 latents,
trained on 8 × 8 digits at four values of β, which are their names. From one end to the other the
code goes from saying nothing to saying everything, and neither end has the best ELBO."""
BURGESS = """The convolutional VAE of Burgess et al. (2018) with 10 latents, as trained by the
disentangling-vae project (MIT) with three losses: the ELBO (`VAE`), β = 4 (`betaH`), and one that
weighs the total correlation (`btcvae`). Images of 32 × 32, grey, as in training: hence the
warning. Look at the slopes, which give back β = 1 and β = 4; at the rate that β = 4 saves, and
what it costs in D; and at `btcvae`, which uses fewer dimensions."""
KINGMA = """The M1 model of Kingma et al. (2014), *Semi-supervised learning with deep generative
models*, as its authors published it (MIT): two softplus layers of 500, 50 latents. Grey images of
28 × 28. Look at the active units, less than half of the latents; at I(n;z), which has reached log
10000, so that the marginal KL of these images is hardly more than its floor; and at the bracket
for the population, which says how much of it is mismatch."""


def shipped() -> Exhibit:
    """The demo's models."""
    reports = []
    for name in ("beta-6", "beta-3.3", "beta-0.9", "beta-0.05"):
        with as_file(files("genprobe.demo") / f"{name}.pt") as path:
            reports.append(genprobe.evaluate(path, "digits", draws=DRAWS))
    return Exhibit(name="demo", title="Four values of β", text=SHIPPED, reports=reports)


def burgess(models: Path) -> Exhibit:
    """Three losses of one network."""
    images = resize_to_32(genprobe.open_dataset(f"idx:{IMAGES}").read(0, 10000))
    factory = "examples.real_models:burgess"
    names = ("VAE", "betaH", "btcvae")
    paths = [models / "burgess-mnist" / name / "model.pt" for name in names]
    found = [genprobe.evaluate(path, images, factory=factory, draws=DRAWS) for path in paths]
    reports = [
        replace(report, model=name, dataset="MNIST test, 32 × 32")
        for name, report in zip(names, found, strict=True)
    ]
    return Exhibit(name="burgess", title="Three losses, one network", text=BURGESS, reports=reports)


def kingma(models: Path) -> Exhibit:
    """A model of 50 latents."""
    path = models / "kingma-m1-mnist" / "v_best.ndict.tar.gz"
    factory = "examples.real_models:kingma_m1"
    report = genprobe.evaluate(path, f"idx:{IMAGES}", factory=factory, draws=DRAWS)
    shown = replace(report, dataset="MNIST test")
    return Exhibit(name="kingma", title="Kingma’s M1", text=KINGMA, reports=[shown])


def page(exhibits: Sequence[Exhibit]) -> str:
    """The page as Markdown.

    Args:
        exhibits: in the order that they are shown.
    """
    return "\n".join([INTRODUCTION, *(section(exhibit) for exhibit in exhibits)])


def section(exhibit: Exhibit) -> str:
    """One exhibit: what it is, its figure, the comparison and the table of each model."""
    several = len(exhibit.reports) > 1
    tables: Mapping[str, object] = {report.model: report for report in exhibit.reports}
    if several:
        tables = {"Side by side": genprobe.compare(exhibit.reports, sort="elbo"), **tables}
    shown = [
        f"### {name}\n\n```text\n{str(table).rstrip()}\n```\n" for name, table in tables.items()
    ]
    figure = f"![{exhibit.title} on the rate-distortion plane](gallery/{exhibit.name}.svg)\n"
    return "\n".join([f"## {exhibit.title}\n", f"{exhibit.text}\n", figure, *shown])


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("docs/gallery.md"))
def main(out: Path) -> None:
    """Write the page and its figures."""
    os.environ["COLUMNS"] = COLUMNS
    models = Path(os.environ["GENPROBE_MODELS_DIR"])
    exhibits = [shipped(), burgess(models), kingma(models)]
    figures = out.with_suffix("")
    figures.mkdir(parents=True, exist_ok=True)
    for exhibit in exhibits:
        genprobe.plot(exhibit.reports, figures / f"{exhibit.name}.svg")
    out.write_text(page(exhibits), encoding="utf-8")


if __name__ == "__main__":
    main()
