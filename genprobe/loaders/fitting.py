"""Which state dict of a checkpoint fits a module, and under which prefix.

Names fit if they are those of the module once two things are left out: what torch's wrappers add
(DataParallel, ``torch.compile``, FSDP), and one prefix, such as ``model.`` or ``vae.``, that stands
before all of them on one side. Shapes must be equal. Of several state dicts that fit, one that is
no average over the training comes first, then one of which nothing is left out, then the first in
the file.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from genprobe.loaders.state_dicts import StateDict, is_average, printable

WRAPPERS = {"module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
"""Parts of names that torch adds when it wraps a module."""
COUNTERS = {"n_averaged"}
"""What torch's AveragedModel keeps beside the weights that it averages."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """Tensors of a checkpoint by the names of a module.

    Attributes:
        key: dotted path of the tensors.
        stripped: what stood before their names in the file and not in the module.
        added: what stands before the names of the module and not in the file.
        tensors: by the names of the module.
        left: names of the same state dict that were left out.
    """

    key: str
    stripped: str
    added: str
    tensors: Mapping[str, Any]
    left: tuple[str, ...]

    @property
    def renamed(self) -> str:
        """How the names were changed, in words; empty if they were not."""
        taken = f"without the prefix {self.stripped!r} of the file" if self.stripped else ""
        given = f"with the module's prefix {self.added!r}" if self.added else ""
        return " and ".join(word for word in (taken, given) if word)


def fits(found: Iterable[StateDict], module: nn.Module) -> list[Fit]:
    """Every way in which some state dicts fit a module, best first.

    Args:
        found: in the order of the file.
        module: to be filled.

    Example:
        >>> linear, other = nn.Linear(2, 1), nn.Linear(2, 1)
        >>> state = {f"vae.{name}": values for name, values in other.state_dict().items()}
        >>> [fit] = fits([StateDict(key="state_dict", tensors=state)], linear)
        >>> fit.renamed, list(fit.tensors)
        ("without the prefix 'vae.' of the file", ['weight', 'bias'])
    """
    wanted = module.state_dict()
    every = [fit for state in found for fit in fits_of(state, wanted)]
    return sorted(every, key=lambda fit: (is_average(fit.key), bool(fit.left)))


def fits_of(state: StateDict, wanted: Mapping[str, Any]) -> Iterator[Fit]:
    """Every way in which a state dict fits.

    Args:
        state: of the file.
        wanted: the state dict of the module.
    """
    if state.tensors.keys() == wanted.keys() and same_shapes(state.tensors, wanted, state.tensors):
        yield Fit(key=state.key, stripped="", added="", tensors=state.tensors, left=())
        return
    weights = [name for name in state.tensors if name not in COUNTERS or name in wanted]
    theirs, own = without_wrappers(weights), without_wrappers(wanted)
    for stripped, added in prefixes(theirs, own):
        names = {
            own[added + name.removeprefix(stripped)]: real
            for name, real in theirs.items()
            if name.startswith(stripped) and added + name.removeprefix(stripped) in own
        }
        inside = [real for name, real in theirs.items() if name.startswith(stripped)]
        tensors = {name: state.tensors[real] for name, real in names.items()}
        tensors |= spared(tensors, wanted)
        if len(inside) != len(names) or any(name not in tensors for name in essential(wanted)):
            continue
        if same_shapes(tensors, wanted, tensors):
            taken = set(inside)
            left = tuple(real for real in weights if real not in taken)
            prefix = stood_before(inside[0], stripped, theirs)
            part = [state.key, prefix.rstrip(".")] if left else [state.key]
            yield Fit(
                key=".".join(word for word in part if word),
                stripped=prefix,
                added=added,
                tensors=tensors,
                left=left,
            )


def without_wrappers(names: Iterable[str]) -> dict[str, str]:
    """Names without what torch's wrappers add to them, to those names; as they are if two meet."""
    every = list(names)
    short = {".".join(w for w in name.split(".") if w not in WRAPPERS): name for name in every}
    return short if len(short) == len(every) else {name: name for name in every}


def spared(tensors: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What a file need not hold twice: tensors that the module has under two names.

    Args:
        tensors: of the file by names of the module.
        wanted: the state dict of the module.
    """
    held = {place(wanted[name]): values for name, values in tensors.items()}
    missing = [name for name in wanted if name not in tensors]
    return {name: held[place(wanted[name])] for name in missing if place(wanted[name]) in held}


def place(values: Any) -> Any:
    """Where a tensor lies in memory, and how."""
    if not isinstance(values, Tensor) or is_lazy(values) or not values.numel():
        return id(values)
    return values.data_ptr(), values.shape, values.stride()


def essential(wanted: Mapping[str, Any]) -> list[str]:
    """Names that a state dict must have; torch supplies the counts of old BatchNorm layers."""
    return [name for name in wanted if not name.endswith("num_batches_tracked")]


def stood_before(real: str, stripped: str, theirs: Mapping[str, str]) -> str:
    """What stood before the rest of a name in the file, or in its middle, wrappers included.

    Args:
        real: the name in the file.
        stripped: what was stripped from it once it was without wrappers.
        theirs: names without wrappers to those of the file.
    """
    short = next(name for name, other in theirs.items() if other == real)
    rest = short.removeprefix(stripped)
    if real.endswith(rest):
        return real.removesuffix(rest)
    return "".join(f"{word}." for word in real.split(".") if word in WRAPPERS)


def prefixes(theirs: Mapping[str, str], own: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What may be stripped from the names of a file, and what added, to have those of a module.

    Args:
        theirs: names of the file.
        own: names of the module.
    """
    if not theirs or not own:
        return
    longest = max(own, key=lambda name: (name.count("."), name))
    for name in theirs:
        if name == longest or name.endswith(f".{longest}"):
            yield name.removesuffix(longest), ""
    longest = max(theirs, key=lambda name: (name.count("."), name))
    for name in own:
        prefix = name.removesuffix(longest)
        if name.endswith(f".{longest}") and all(other.startswith(prefix) for other in own):
            yield "", prefix


def same_shapes(some: Mapping[str, Any], others: Mapping[str, Any], names: Iterable[str]) -> bool:
    """Whether tensors of the same names have the same shapes, as far as those are known."""
    return all(
        some[name].shape == others[name].shape
        for name in names
        if isinstance(some[name], Tensor)
        and isinstance(others[name], Tensor)
        and not is_lazy(others[name])
    )


def same_tensors(fit: Fit, other: Fit) -> bool:
    """Whether two fits give a module the same values."""
    return all(
        torch.equal(fit.tensors[name], other.tensors[name])
        for name in fit.tensors
        if isinstance(fit.tensors[name], Tensor)
    )


def mismatch(state: Mapping[str, Any], module: nn.Module) -> str:
    """How the names and shapes of a state dict differ from those of a module, a few of each.

    Args:
        state: of the file.
        module: that it does not fit.
    """
    wanted = module.state_dict()
    missing = [name for name in wanted if name not in state]
    unexpected = [name for name in state if name not in wanted]
    shapes = [
        f"{name} {tuple(state[name].shape)}, in the module {tuple(wanted[name].shape)}"
        for name in wanted
        if name in state and not same_shapes(state, wanted, [name])
    ]
    words = [
        f"it lacks {listed(missing)} of the module" if missing else "",
        f"the module has no {listed(unexpected)} of the file" if unexpected else "",
        f"other shapes: {listed(shapes, '; ')}" if shapes else "",
    ]
    return "; ".join(word for word in words if word)


def listed(names: list[str], between: str = ", ") -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return between.join(printable(str(name)) for name in names[:3]) + more
