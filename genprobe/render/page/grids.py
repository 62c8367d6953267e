"""Pictures of models in rows: each model's own grids, and several models under the same inputs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from genprobe.errors import StoreError
from genprobe.render.page.strips import SHARP, strip
from genprobe.report import Report
from genprobe.store.pictures import GRIDS, Pictures, image_shape, load_pictures

INPUTS = "reconstructions"
"""The grid whose first row is the inputs."""
SEE = {
    "reconstructions": (
        "Reconstructions",
        "Inputs, and what three draws of each one's code decode to. What the code says is the same "
        "in all three; what it leaves open differs or blurs.",
    ),
    "levels": (
        "What each level holds",
        "Inputs, and what they decode to where only the first levels are known: of the others each "
        "row has draws from their priors.",
    ),
    "prior": ("Samples from the prior", "What codes drawn from {source} decode to."),
    "fitted-prior": (
        "Samples from the fitted prior",
        "What codes drawn from {source}, fitted to the codes of the data, decode to.",
    ),
    "traversals": (
        "Traversals",
        "The first input's code, one dimension at a time moved from 3 standard deviations of all "
        "codes below their mean to 3 above; the dimensions with the largest rate.",
    ),
}
TOGETHER = {
    "reconstructions": (
        "The same inputs through every model",
        "The inputs, and what one draw of each one's code decodes to.",
    ),
    "prior": ("Samples from each prior", "What codes drawn from each model's prior decode to."),
    "fitted-prior": (
        "Samples from each fitted prior",
        "The same for the prior fitted to each model's codes. Where these look like data and those "
        "above do not, the prior is at fault, not the decoder.",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Strip:
    """One row of pictures.

    Attributes:
        label: what it is; empty where the grid says so.
        image: the pictures beside each other, a data URI.
        count: how many they are.
        model: position of the model it is of, in a grid of several; None for the inputs.
    """

    label: str
    image: str
    count: int
    model: int | None = None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A grid of pictures as a page shows it.

    Attributes:
        name: of the grid, one of ``GRIDS``.
        title: above it.
        caption: how to read it.
        rows: from top to bottom.
        sharp: whether its pixels are shown as squares.
    """

    name: str
    title: str
    caption: str
    rows: Sequence[Strip]
    sharp: bool


def grids_of(report: Report) -> tuple[list[Shown], list[str]]:
    """The grids of pictures of a report, and what is missing with its reason."""
    reason = no_images(report)
    if reason is not None:
        return [], [reason]
    if report.store is None:
        return [], ["Pictures are beside the store: show or compare the store, not its JSON."]
    try:
        pictures = load_pictures(report.store)
    except StoreError as error:
        return [], [" ".join(filter(None, (error.what, error.remedy)))]
    return grids(pictures), [
        f"{SEE[name][0]}: {pictures.absent[name]}" for name in GRIDS if name in pictures.absent
    ]


def no_images(report: Report) -> str | None:
    """Why there is nothing to see at all, if so."""
    if image_shape(report.provenance.get("event_shape", ())) is None:
        return "The data are not images."
    if report.provenance.get("likelihood") is None:
        return "There is no decoder to see at work."
    return None


def grids(pictures: Pictures) -> list[Shown]:
    """The grids of one model, in the order of a report."""
    found = []
    for name in GRIDS:
        if name not in pictures.grids:
            continue
        grid = pictures.grids[name]
        title, caption = SEE[name]
        rows = [
            Strip(label=label, image=strip(images), count=len(images))
            for label, images in zip(grid.rows, grid.images, strict=True)
        ]
        found.append(
            Shown(
                name=name,
                title=title,
                caption=caption.format(source=grid.source),
                rows=rows,
                sharp=grid.images.shape[2] < SHARP,
            )
        )
    return found


def together(models: Sequence[Sequence[Shown]]) -> list[Shown]:
    """Several models' pictures below each other, a row each, so that one sees the regimes.

    Compare Alemi et al. 2018, fig. 4. Models that were shown other inputs are not set beside each
    other: then there is nothing.

    Args:
        models: each model's own grids.
    """
    by_name = [{grid.name: grid for grid in own} for own in models]
    inputs = {own[INPUTS].rows[0] for own in by_name if INPUTS in own}
    if len(inputs) != 1:
        return []
    found = []
    for name, (title, caption) in TOGETHER.items():
        first = 1 if name == INPUTS else 0  # below the inputs
        rows = [
            replace(own[name].rows[first], label="", model=i)
            for i, own in enumerate(by_name)
            if name in own
        ]
        if len(rows) > 1:
            above = [*inputs] if name == INPUTS else []
            sharp = next(own[name].sharp for own in by_name if name in own)
            found.append(
                Shown(name=name, title=title, caption=caption, rows=[*above, *rows], sharp=sharp)
            )
    return found
