"""What a report has besides its estimates: labels, inference, places, tokens, levels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genprobe.analysis.channels import places_of
from genprobe.analysis.diffusion import chain_of_store
from genprobe.analysis.inference import annealed_inference
from genprobe.analysis.labels import as_stated
from genprobe.analysis.levels import levels_of
from genprobe.analysis.options import Options
from genprobe.analysis.stored_labels import TalliedLabels, stored_label_reports
from genprobe.analysis.tokens import tokens_report
from genprobe.estimators.quantities import Quantities
from genprobe.report import Estimate
from genprobe.report.channels import Channel, LatentGrid
from genprobe.report.inference import InferenceReport
from genprobe.report.labels import LabelReport
from genprobe.report.levels import Level
from genprobe.report.progressive_curve import ProgressiveCurve
from genprobe.report.tokens import TokenReport
from genprobe.runtime.progress import Progress
from genprobe.store.read import Store
from genprobe.types import Family


@dataclass(frozen=True, kw_only=True)
class Sections:
    """What a report has besides its estimates; nothing of what the store is not of.

    Attributes:
        labels: reports of labels, by name.
        unsaid: why a number of a label is missing, by name.
        inference: what annealing found.
        channels: of a latent with places.
        grid: all of it.
        tokens: of codes that are classes.
        levels: of a chain of latents.
        octaves: of a diffusion model.
        along_time: the curve of a diffusion model.
    """

    labels: Mapping[str, LabelReport]
    unsaid: Mapping[str, str]
    inference: InferenceReport | None
    channels: Sequence[Channel]
    grid: LatentGrid | None
    tokens: TokenReport | None
    levels: Sequence[Level]
    octaves: Sequence[Level]
    along_time: ProgressiveCurve | None


def sections_of(
    store: Store,
    family: Family,
    quantities: Quantities,
    estimates: Mapping[str, Estimate],
    options: Options,
    labels: TalliedLabels,
    progress: Progress,
) -> Sections:
    """Every section that a store has.

    Args:
        store: finished.
        family: of its posteriors.
        quantities: of the store.
        estimates: by name.
        options: what the user chose.
        labels: of the store.
        progress: display.
    """
    of_labels, unsaid = stored_label_reports(store, family, quantities, estimates, labels, progress)
    channels, grid = places_of(quantities, store)
    octaves, along_time = chain_of_store(store, quantities)
    return Sections(
        labels={k: as_stated(v, quantities.observations) for k, v in of_labels.items()},
        unsaid=unsaid,
        inference=annealed_inference(quantities),
        channels=channels,
        grid=grid,
        tokens=tokens_report(quantities, options.codebook),
        levels=levels_of(store, quantities),
        octaves=octaves,
        along_time=along_time,
    )
