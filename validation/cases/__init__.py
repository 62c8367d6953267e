"""Every case and study of the audit, by name."""

from collections.abc import Mapping

from genprobe.self_check.case import Case
from validation.annealing_studies import annealing_studies
from validation.audit import Item
from validation.cases import (
    chains,
    decoders,
    discrete,
    grids,
    heavy,
    inference,
    plane,
    population,
    tokens,
)
from validation.label_studies import label_studies
from validation.studies import studies

CASES: tuple[Case, ...] = (
    *plane.cases(),
    *discrete.cases(),
    *decoders.cases(),
    *heavy.cases(),
    *grids.cases(),
    *population.cases(),
    *inference.cases(),
    *tokens.cases(),
    *chains.cases(),
)

STUDIES = (*studies(), *label_studies(), *annealing_studies())

ITEMS: Mapping[str, Item] = {item.name: item for item in (*CASES, *STUDIES)}
