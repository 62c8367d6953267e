"""What an encoder or a decoder returned, as parameters by the names of torch.distributions.

Taken are tensors by name, under the names that the field has (``mu``, ``logvar``); a pair of a
mean and a log-variance; and a torch distribution of the kind that the model names. Whatever could
be meant in two ways is refused with both.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from torch import Tensor
from torch import distributions as d
from torch.distributions import Distribution, Independent

from genprobe.distributions.parameter_names import NORMAL, renamed, standard_names
from genprobe.errors import ModelError
from genprobe.types import Params

KINDS: dict[type[Distribution], tuple[tuple[str, ...], frozenset[str]]] = {
    d.Normal: (
        ("loc", "scale"),
        frozenset({"diagonal-normal", "normal", "normal-optimal-sigma"}),
    ),
    d.MultivariateNormal: (("loc", "scale_tril"), frozenset({"full-normal"})),
    d.LowRankMultivariateNormal: (
        ("loc", "cov_factor", "cov_diag"),
        frozenset({"low-rank-normal"}),
    ),
    d.Laplace: (("loc", "scale"), frozenset({"laplace"})),
    d.StudentT: (("df", "loc", "scale"), frozenset({"student-t"})),
    d.Bernoulli: (("probs", "logits"), frozenset({"bernoulli"})),
    d.ContinuousBernoulli: (("probs", "logits"), frozenset({"continuous-bernoulli"})),
    d.Categorical: (("logits",), frozenset({"categorical", "categorical-pixels"})),
    d.OneHotCategorical: (("logits",), frozenset({"categorical"})),
    d.RelaxedOneHotCategorical: (("logits", "temperature"), frozenset({"gumbel-softmax"})),
    d.Poisson: (("rate",), frozenset({"poisson"})),
    d.NegativeBinomial: (("total_count", "logits"), frozenset({"negative-binomial"})),
    d.Gamma: (("concentration", "rate"), frozenset({"gamma"})),
    d.Beta: (("concentration1", "concentration0"), frozenset({"beta"})),
    d.Uniform: (("low", "high"), frozenset({"uniform-box"})),
}
"""The parameters of torch's distributions, and the families and likelihoods that are the same."""

ALONE = frozenset({"delta", "normal-optimal-sigma"})
"""Those that have one parameter, which a single tensor can only be."""

LOGITS_OR_PROBS = '{"logits": y}, or if it ends in a sigmoid {"probs": y}'
NAMED = {
    "bernoulli": LOGITS_OR_PROBS,
    "continuous-bernoulli": LOGITS_OR_PROBS,
    "categorical": '{"logits": y}, or if it ends in a softmax {"logits": y.log()}',
    "multinomial": '{"logits": y}, or if it ends in a softmax {"logits": y.log()}',
    "normal": '{"loc": y, "scale": s} with the standard deviation s that it was trained with, or '
    'name the likelihood "normal-optimal-sigma" and {"loc": y}',
    "poisson": '{"rate": y}, or if it ends without exp or softplus {"rate": y.exp()}',
}
"""How the one tensor y that decoders return is named, by the likelihood."""


@dataclass(frozen=True, kw_only=True)
class Understood:
    """What a part of a model returned, by standard names.

    Attributes:
        params: by the names of torch.distributions.
        read_as: what was taken for what, in words; empty if the names were standard.
        pair: whether the second of two tensors was taken for a log-variance.
    """

    params: Params
    read_as: str = ""
    pair: bool = False


def understood(
    source: str, returned: object, part: str, wanted: Collection[str] = ()
) -> Understood:
    """The parameters that an encoder or a decoder returned.

    Args:
        source: what returned it, as a message begins.
        returned: by it.
        part: registered name of the family or the likelihood that it is for.
        wanted: the names that are needed, where they are known.

    Raises:
        ModelError: if it is none of what can be taken, or could be meant in two ways.

    Example:
        >>> mean, logvar = torch.zeros(1, 2), torch.zeros(1, 2)
        >>> found = understood("The encoder", (mean, logvar), "diagonal-normal")
        >>> found.read_as, found.params["scale"].tolist()
        ('a pair as mean and log-variance', [[1.0, 1.0]])
    """
    given = record(returned)
    if isinstance(given, Mapping):
        return of_names(source, given, part, wanted)
    if isinstance(given, Distribution):
        return of_distribution(source, given, part, wanted)
    if isinstance(given, Tensor):
        if part not in ALONE:
            refuse(source, "a tensor alone, which does not say what it is", part, wanted)
        return Understood(params={"loc": given}, read_as="a tensor as loc")
    if isinstance(given, tuple | list):
        return of_sequence(source, given, part, wanted)
    refuse(source, f"a {type(given).__name__} that is not tensors by name", part, wanted)


def record(returned: object) -> object:
    """A named tuple or a data class as its fields by name, anything else as it is."""
    if isinstance(returned, tuple) and hasattr(returned, "_asdict"):
        return returned._asdict()
    plain = isinstance(returned, Mapping | type | Distribution | Tensor)
    if dataclasses.is_dataclass(returned) and not plain:
        return {f.name: getattr(returned, f.name) for f in dataclasses.fields(returned)}
    return returned


def of_names(
    source: str, given: Mapping[Any, Any], part: str, wanted: Collection[str]
) -> Understood:
    """Tensors by name, whatever the field calls them; a plain number is one for all examples."""
    given = with_numbers(given)
    if not all(isinstance(v, Tensor) for v in given.values()):
        kinds = ", ".join(f"{name}: {type(v).__name__}" for name, v in given.items())
        refuse(source, f"what is not tensors by name ({kinds})", part, wanted)
    if given.keys() == set(wanted):
        return Understood(params=given)
    said = [f"{name} as {standard}" for name, standard in renamed(given.keys(), part).items()]
    params = standard_names(given, part, source)
    return Understood(params=params, read_as=" and ".join(said))


def with_numbers(given: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """The same, numbers as tensors of no axes beside the tensors that there are."""
    device = next((v.device for v in given.values() if isinstance(v, Tensor)), None)
    if device is None or all(isinstance(v, Tensor) for v in given.values()):
        return given
    return {
        name: torch.full((), float(v), device=device) if type(v) in (int, float) else v
        for name, v in given.items()
    }


def of_sequence(
    source: str, given: tuple[Any, ...] | list[Any], part: str, wanted: Collection[str]
) -> Understood:
    """A mean and a log-variance, of a normal; anything else might be meant otherwise."""
    kind = type(given).__name__
    pair = len(given) == 2 and all(isinstance(v, Tensor) for v in given)
    if not pair or part not in NORMAL:
        kinds = ", ".join(type(v).__name__ for v in given)
        refuse(source, f"a {kind} of {len(given)} ({kinds})", part, wanted)
    params = standard_names({"mean": given[0], "logvar": given[1]}, part, source)
    return Understood(params=params, read_as="a pair as mean and log-variance", pair=True)


def of_distribution(
    source: str, given: Distribution, part: str, wanted: Collection[str]
) -> Understood:
    """The parameters of a torch distribution that is the one that the model names."""
    base = given
    while isinstance(base, Independent):
        base = base.base_dist
    kind = next((k for k in KINDS if is_a(base, k)), None)
    names, parts = ((), frozenset[str]()) if kind is None else KINDS[kind]
    if kind is None or part not in parts:
        same = " or ".join(f'"{name}"' for name in sorted(parts))
        raise ModelError(
            f"{source} returns the distribution {type(base).__name__}, which is not the model's "
            f"{part}.",
            f"Name it {same} in the Model, or return what {part} takes by name."
            if same
            else f"Return the parameters that {part} takes, as tensors by name.",
        )
    if {"probs", "logits"} <= set(names):
        # What it was made from: the other one of the two is rounded.
        made_from = "probs" if "probs" in vars(base) and "logits" not in wanted else "logits"
        names = (made_from,)
    found = {name: getattr(base, name) for name in names if not wanted or name in wanted}
    said = f"the distribution {type(base).__name__} as its {', '.join(found)}"
    return Understood(params=found, read_as=said)


def is_a(given: Distribution, kind: type[Distribution]) -> bool:
    """Whether a distribution is of a kind, and not one made of it with another density."""
    return isinstance(given, kind) and type(given).log_prob is kind.log_prob


def refuse(source: str, what: str, part: str, wanted: Collection[str]) -> NoReturn:
    """Say that something cannot be taken, and what can.

    Raises:
        ModelError: always.
    """
    if part in NORMAL and wanted:
        how = (
            '{"loc": mean, "scale": standard deviation}, {"loc": mean, "logvar": log-variance} or '
            "the pair (mean, log-variance)"
        )
    elif wanted:
        how = "{" + ", ".join(f'"{name}": …' for name in wanted) + "}"
    else:
        how = NAMED.get(part) or (
            f"the tensors that {part} takes, by the names of torch.distributions"
        )
    raise ModelError(f"{source} returns {what}.", f"Return {how}.")


def require_log_variance(source: str, scales: Sequence[Tensor]) -> None:
    """Check that the second tensor of a pair is not plainly a standard deviation or a variance.

    Args:
        source: what returned it, as a message begins.
        scales: that pairs of several examples were read as; none where they come by name.

    Raises:
        ModelError: if it is above 0 everywhere.
    """
    if scales and all(bool((scale > 1).all()) for scale in scales):
        raise ModelError(
            f"{source} returns a pair whose second tensor is above 0 everywhere: it may be the "
            "standard deviation rather than the log-variance.",
            'Say which: {"loc": mean, "scale": standard deviation} or {"loc": mean, "logvar": '
            "log-variance}.",
        )
