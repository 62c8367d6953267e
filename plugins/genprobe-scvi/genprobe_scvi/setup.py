"""How the data of an SCVI model were set up: which genes, which covariates, which codes.

scvi-tools keeps it in the checkpoint as a registry; only what is read here is relied on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from genprobe.errors import DataError
from genprobe.types import Params

EMPTY = -1e3
"""Log library size of a cell without counts: its means are 0, and their gradients finite."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Setup:
    """What SCVI.setup_anndata was told.

    Attributes:
        genes: names, in the model's order.
        layer: where the counts are, ``X`` or ``layers/NAME``.
        batch: column of the batch, and its categories in order.
        labels: column of the labels, and their categories in order.
        categorical: further columns, with their categories in order.
        continuous: columns of numbers.
        size_factor: column of the size factor, None if the model has none.
    """

    genes: np.ndarray
    layer: str
    batch: tuple[str, np.ndarray]
    labels: tuple[str, np.ndarray]
    categorical: Mapping[str, np.ndarray]
    continuous: tuple[str, ...]
    size_factor: str | None


def setup_of(content: Mapping[str, Any]) -> Setup:
    """The setup in a checkpoint.

    Args:
        content: what SCVI.save wrote.
    """
    fields = content["attr_dict"]["registry_"]["field_registries"]
    counts = fields["X"]["data_registry"]
    further = fields["extra_categorical_covs"]["state_registry"]
    numbers = fields["extra_continuous_covs"]["state_registry"]
    mappings = further.get("mappings", {})
    return Setup(
        genes=np.asarray(content["var_names"]).astype(str),
        layer="X" if counts["attr_name"] == "X" else f"layers/{counts['attr_key']}",
        batch=column_of(fields["batch"]),
        labels=column_of(fields["labels"]),
        categorical={key: np.asarray(mappings[key]) for key in further.get("field_keys", ())},
        continuous=tuple(map(str, numbers.get("columns", ()))),
        size_factor=fields["size_factor"]["data_registry"].get("attr_key"),
    )


def column_of(field: Mapping[str, Any]) -> tuple[str, np.ndarray]:
    """Column and categories of a categorical field."""
    state = field["state_registry"]
    return str(state["original_key"]), np.asarray(state["categorical_mapping"])


def context(
    setup: Setup, observed: bool, labelled: bool, x: Tensor, covariates: Mapping[str, Any]
) -> Params:
    """What encoder and decoder are given besides x and z, by name.

    Args:
        setup: of the model.
        observed: whether the decoder is told the library size.
        labelled: whether the decoder's dispersion goes by label.
        x: counts (batch, gene).
        covariates: of the data, by column.

    Raises:
        DataError: if the genes are not the model's, or a category is new to it.
        KeyError: naming a column that the data lack.
    """
    require_genes(setup, covariates)
    found = {"batch": codes(*setup.batch, covariates, len(x))}
    if labelled:
        found["labels"] = codes(*setup.labels, covariates, len(x))
    if setup.size_factor is not None:
        found["log_size_factor"] = numbers((setup.size_factor,), covariates).log()
    elif observed:
        found["log_library"] = x.sum(1, dtype=torch.float64).log().clamp(min=EMPTY)[:, None]
    if setup.categorical:
        columns = [codes(*item, covariates, len(x)) for item in setup.categorical.items()]
        found["categorical"] = torch.cat(columns, 1)
    if setup.continuous:
        found["continuous"] = numbers(setup.continuous, covariates)
    return found


def require_genes(setup: Setup, covariates: Mapping[str, Any]) -> None:
    """Check that the values of an example are the counts of the model's genes, in its order.

    Raises:
        DataError: if the data name their genes, and other ones.
    """
    if "var_names" not in covariates:
        return
    genes = covariates["var_names"][0]
    if not np.array_equal(genes, setup.genes):
        raise DataError(
            "The genes of the data are not those of the model, in its order.",
            "Select them: adata[:, var_names of the model].",
        )


def codes(column: str, categories: np.ndarray, covariates: Mapping[str, Any], count: int) -> Tensor:
    """Positions (batch, 1) of a column's values among the model's categories.

    A column with a single category need not be there.

    Raises:
        DataError: naming a value that the model has not seen.
    """
    if len(categories) == 1 and column not in covariates:
        return torch.zeros(count, 1, dtype=torch.int64)
    values = covariates[column]
    found = np.array(pd.Categorical(values, categories=categories).codes, np.int64)
    if (found < 0).any():
        new = values[int((found < 0).nonzero()[0][0])]
        raise DataError(
            f"The column {column} has the value {new!r}, which the model has not seen.",
            f"It knows {', '.join(map(str, categories[:8]))}.",
        )
    return torch.from_numpy(found)[:, None]


def numbers(columns: tuple[str, ...], covariates: Mapping[str, Any]) -> Tensor:
    """Columns of numbers (batch, column), float64."""
    return torch.from_numpy(np.stack([np.asarray(covariates[c], np.float64) for c in columns], 1))
