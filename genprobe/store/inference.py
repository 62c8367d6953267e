"""What annealing found of some examples: kept in the store, though no part of what was encoded.

As labels are, it is written when the store is finished, into a copy that then takes its place: it
can be added later, and a kill leaves the store as it was.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from jaxtyping import Float64, Int64
from torch import Tensor

from genprobe.store.intact import damaged, open_file
from genprobe.store.read import Store
from genprobe.store.sealed_file import write_sealed
from genprobe.store.whole import UNLABELLED
from genprobe.store.write import explain_write_errors

GROUP = "inference"
FACTS = "facts"
"""The attribute with what is no array, as JSON."""
VERSION = 1
ITERATED = "iterated_elbo/"
"""How the path of an ELBO after so many steps begins."""

BEFORE, UNMIXED = "before", "unmixed"
NEEDED = ("log_pz", "log_weight", "elbo", "best_elbo", "prior_weight", "acceptance")
SIMULATED = ("simulated/forward", "simulated/reverse")
CURVE = ("curve/beta", "curve/log_weight", "curve/distortion")
WHOLE_NUMBERS = ("temperatures", "chains", "evaluations", "max_steps")


@dataclass(frozen=True, kw_only=True, eq=False)
class KeptInference:
    """What annealing found of M examples.

    Log weights are of log p(x) in nats, float64, chains first. ``arrays`` has, by path,

    - ``log_pz`` (M,): log p(z) at the first stored draw of each, under the prior it is of;
    - ``log_weight`` (chain, M) of the last run, and ``before`` (chain, M) of the one before it,
      half as long, where there was one;
    - ``unmixed`` (chain, M), where these missed a part of some posterior: half of the chains of
      ``log_weight`` then start at the prior;
    - ``elbo`` and ``best_elbo`` (draw, M): log weights of the encoder's posterior and of the best
      of its family, of common noise; ``iterated_elbo/K`` (draw, M) after K steps towards that;
    - ``prior_weight`` (chain, M) of chains that start at the prior; ``acceptance`` (M,);
    - ``simulated/forward`` and ``simulated/reverse`` (chain, S): log weights of chains to, and
      from, an exact posterior draw of S simulated examples, bounds on log p(x) from either side;
    - ``curve/beta`` (B,), ``curve/log_weight`` and ``curve/distortion`` (B, chain, M).

    Attributes:
        index: (M,) the examples, rising.
        arrays: by path; those of ``simulated`` and ``curve`` where they were asked for.
        facts: what is no array: ``temperatures``, ``chains``, ``tolerance``, ``max_steps``,
            ``reached`` (whether the tolerance was), ``evaluations`` (gradients), ``prior``.
    """

    index: Int64[Tensor, " m"]
    arrays: Mapping[str, Float64[Tensor, "..."]]
    facts: Mapping[str, Any]

    @property
    def iterated(self) -> dict[int, Float64[Tensor, "draw m"]]:
        """The ELBOs after so many steps, by their number."""
        found = {k: v for k, v in self.arrays.items() if k.startswith(ITERATED)}
        return dict(sorted((int(k.removeprefix(ITERATED)), v) for k, v in found.items()))

    @property
    def simulated(self) -> int:
        """How many simulated examples there are."""
        forward = self.arrays.get(SIMULATED[0])
        return 0 if forward is None else forward.shape[-1]

    @property
    def betas(self) -> tuple[float, ...]:
        """Of the decoder's curve; none where there is no curve."""
        beta = self.arrays.get(CURVE[0])
        return () if beta is None else tuple(beta.tolist())


def read_inference(store: Store) -> KeptInference | None:
    """What a store has of annealing; None if it has nothing.

    Args:
        store: finished.

    Raises:
        StoreError: if it does not read, or cannot be right.
    """
    with open_file(store.path) as file:
        if GROUP not in file:
            return None
        group = file[GROUP]
        facts = json.loads(str(group.attrs[FACTS]))
        arrays = {name: torch.from_numpy(group[name][...]) for name in names_in(group)}
    try:
        kept = KeptInference(index=arrays.pop("index"), arrays=arrays, facts=facts)
        require_possible(kept, store.header.n)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(store.path, f"its inference is not of its examples ({error})") from error
    return kept


def names_in(group: h5py.Group) -> list[str]:
    """The paths of all arrays in a group, those in its groups among them."""
    found: list[str] = []
    group.visititems(
        lambda name, value: found.append(name) if isinstance(value, h5py.Dataset) else None
    )
    return sorted(found)


def require_possible(kept: KeptInference, n: int) -> None:
    """Check that what was read fits together.

    Args:
        kept: as it was read.
        n: examples of the store.

    Raises:
        KeyError: if something is missing.
        ValueError: if something does not fit.
    """
    index, arrays, m = kept.index, kept.arrays, len(kept.index)
    if index.dtype != torch.int64 or m < 1 or not bool((index.diff() > 0).all()):
        raise ValueError("the examples are not in order")
    if int(index[0]) < 0 or int(index[-1]) >= n:
        raise ValueError("an example is beyond the last")
    for name in (*NEEDED, *(arrays.keys() & {BEFORE, UNMIXED})):
        if arrays[name].shape[-1:] != (m,):
            raise ValueError(f"{name} is of shape {tuple(arrays[name].shape)}")
    if any(values.shape[-1] != m for values in kept.iterated.values()):
        raise ValueError("an ELBO is of other examples")
    for name, values in arrays.items():
        if values.dtype != torch.float64 or not values.numel() or not values.isfinite().all():
            raise ValueError(f"{name} is not of finite numbers")
    require_further(kept)
    require_facts(kept.facts)


def require_further(kept: KeptInference) -> None:
    """Check simulated data and curve, where there are any.

    Raises:
        KeyError: if something is missing.
        ValueError: if something does not fit.
    """
    arrays, m, betas = kept.arrays, len(kept.index), len(kept.betas)
    if SIMULATED[0] in arrays and arrays[SIMULATED[1]].shape[-1] != kept.simulated:
        raise ValueError("its simulated examples are of two numbers")
    if not betas:
        return
    shapes = {arrays[name].shape for name in CURVE[1:]}
    if len(shapes) != 1 or any((v[0], v[-1]) != (betas, m) for v in shapes):
        raise ValueError("its curve is of other examples")


def require_facts(facts: Mapping[str, Any]) -> None:
    """Check what is no array.

    Raises:
        KeyError: if something is missing.
        ValueError: if something is not what it must be.
    """
    for name in WHOLE_NUMBERS:
        if not isinstance(facts[name], int) or facts[name] < 0:
            raise ValueError(f"{name} is {facts[name]!r}")
    if not isinstance(facts["reached"], bool) or not isinstance(facts["prior"], str):
        raise ValueError("a fact is of another type")
    if not isinstance(facts["tolerance"], float) or not math.isfinite(facts["tolerance"]):
        raise ValueError("the tolerance is no number")


def write_inference(store: Store, kept: KeptInference) -> None:
    """Put what annealing found into a finished store, in the place of what it has of it.

    Whoever calls it holds the lock of the store.

    Args:
        store: finished.
        kept: to be written.

    Raises:
        StoreError: if it cannot be written.
    """
    path: Path = store.path
    with explain_write_errors(path), write_sealed(path, like=path) as file:
        file.attrs[UNLABELLED] = store.unlabelled
        if GROUP in file:
            del file[GROUP]
        group = file.create_group(GROUP)
        group.attrs[FACTS] = json.dumps({"version": VERSION, **kept.facts})
        for name, values in {"index": kept.index, **kept.arrays}.items():
            array = np.ascontiguousarray(values.numpy())
            group.create_dataset(name, data=array, chunks=array.shape, fletcher32=True)
