"""What a node of an exported program may cost, known before it runs.

An operation cannot be stopped once it runs. So each node runs first on the meta device, where
tensors have a shape and no values, and is refused where a result would be too large or the work
too long. The shapes of a program depend on that of its input alone, so this is done once for each
shape of the input; where they depend on values (``nonzero``), at every call.

The limits:

- results that are alive at once, and a view by the size it shows: half of the device's memory;
- work of a node: 2⁴³ multiplications, a few minutes of two cores;
- operations that a node is made of, as a GRU is of its time steps: 2²⁰;
- tensors that a node splits one into: 2¹⁶.
"""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from genprobe.errors import ModelError, reason_of
from genprobe.loaders.operation_rules import BY_VALUES, require_safe
from genprobe.loaders.operation_work import work_of

SMALLER = "Give a smaller --batch-size; if that does not help, the program is at fault."
UNKNOWN_MEMORY = 1 << 34
"""Bytes of a device that does not say."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a program may cost.

    Attributes:
        memory: bytes of results that are alive at once.
        work: multiplications, or the like, of a node.
        calls: operations that a node is made of.
        pieces: tensors that one is split into.
    """

    memory: int
    work: int = 1 << 43
    calls: int = 1 << 20
    pieces: int = 1 << 16


def limits_of(device: torch.device) -> Limits:
    """The limits on a device.

    >>> limits_of(torch.device("cpu")).memory > 2**20
    True
    """
    if device.type == "cuda":
        return Limits(memory=torch.cuda.get_device_properties(device).total_memory // 2)
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not on Windows
        total = UNKNOWN_MEMORY
    return Limits(memory=total // 2)


class Meter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Runs operations on the meta device, each checked, and adds up what they would cost.

    Args:
        name: of the node's operation, for messages.
        limits: for one node.
        alive: bytes of results there are already.
    """

    def __init__(self, name: str, limits: Limits, alive: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.name, self.limits, self.alive = name, limits, alive
        self.calls = self.work = 0

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """One of the operations that the node is made of."""
        arguments = by_name(func, args, kwargs or {})
        require_safe(func, arguments)
        self.require_pieces(func, arguments)
        found = func(*args, **(kwargs or {}))
        self.require_room(found)
        self.calls += 1
        self.work += work_of(func, arguments, list(tensors_in(found)))
        self._require("takes", self.calls, self.limits.calls, " operations")
        self._require("takes", self.work, self.limits.work, " multiplications")
        self.require_room(found)
        return found

    def require_pieces(self, function: Any, arguments: Mapping[str, Any]) -> None:
        """Check into how many tensors an operation would split one."""
        self._require("makes", pieces_of(function, arguments), self.limits.pieces, " tensors")

    def require_room(self, found: Any) -> None:
        """Check that there is memory for results.

        Raises:
            ModelError: if there is not.
        """
        # An axis without elements makes a tensor empty, and not every loop over the others short.
        size = sum(
            math.prod(max(n, 1) for n in t.shape) * t.element_size() for t in tensors_in(found)
        )
        self._require("needs", self.alive + size, self.limits.memory, " bytes")

    def _require(self, verb: str, found: int, limit: int, unit: str) -> None:
        if found > limit:
            raise ModelError(
                f"An exported program's {self.name} {verb} {found}{unit}; {limit} are allowed.",
                SMALLER,
            )


class Watch:
    """Checks the nodes of a program one after the other, each before it runs.

    Args:
        x: what the program is called with.
        weights: of the program, which none of its nodes may change.

    Attributes:
        steady: whether what was seen holds for every input like x.
    """

    def __init__(self, x: Tensor, weights: Iterable[Tensor]) -> None:
        self.limits = limits_of(x.device)
        self.weights = storages(list(weights))
        self.keeps = x.requires_grad and torch.is_grad_enabled()
        self.alive: dict[int, int] = {}
        self.steady = True

    def require(
        self,
        function: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        values: Mapping[str, Any],
    ) -> None:
        """Check the next node.

        Args:
            function: its operation.
            args: its arguments.
            kwargs: those by name.
            values: every value that there is.

        Raises:
            ModelError: if it would cost too much, is not safe or changes a weight.
        """
        if not isinstance(function, torch._ops.OpOverload):
            return
        arguments = by_name(function, args, kwargs)
        written = [arguments.get(a.name) for a in function._schema.arguments if a.is_write]
        if function._opname != "detach_" and storages(written).keys() & self.weights.keys():
            raise ModelError(
                f"An exported program's {function._opname} changes a weight.",
                "Export the module in evaluation mode.",
            )
        # What a gradient needs stays after the last node that names it.
        self.alive = {**(self.alive if self.keeps else {}), **storages(list(values.values()))}
        self.steady = self.steady and not depends_on_values(function, arguments)
        require_affordable(function, args, kwargs, self.limits, sum(self.alive.values()))


def storages(values: Any) -> dict[int, int]:
    """The memory that tensors lie in: bytes by the address; none of those on the meta device."""
    found = (tensor.untyped_storage() for tensor in tensors_in(values))
    return {storage.data_ptr(): storage.nbytes() for storage in found if storage.nbytes()}


def depends_on_values(function: Any, arguments: Mapping[str, Any]) -> bool:
    """Whether the shape of a result depends on more than shapes."""
    name = function._opname
    masked = any(is_mask(index) for index in arguments.get("indices", ()) if index is not None)
    return name in {"nonzero", "masked_select", *BY_VALUES} or (name == "index" and masked)


def is_mask(index: Tensor) -> bool:
    """Whether an index chooses where it is true."""
    return index.dtype in (torch.bool, torch.uint8)


def require_affordable(
    function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], limits: Limits, alive: int = 0
) -> None:
    """Check what an operation would cost, without running it.

    Args:
        function: an operation of the list.
        args: its arguments.
        kwargs: those by name.
        limits: for it.
        alive: bytes of results there are already.

    Raises:
        ModelError: if that is above the limits, or its arguments are not safe.

    >>> ones = torch.ops.aten.ones.default
    >>> require_affordable(ones, [[2**20]], {}, Limits(memory=2**22))
    >>> require_affordable(ones, [[2**20]], {}, Limits(memory=2**20))
    Traceback (most recent call last):
    genprobe.errors.ModelError: An exported program's ones needs 4194304 bytes; 1048576 are allowed.
    Give a smaller --batch-size; if that does not help, the program is at fault.
    """
    if not isinstance(function, torch._ops.OpOverload):
        return
    name, arguments = function._opname, by_name(function, args, kwargs)
    require_safe(function, arguments)
    with torch.inference_mode(False), torch.no_grad():
        shadows = {key: on_meta(value) for key, value in arguments.items()}
        if any(argument.name == "device" for argument in function._schema.arguments):
            shadows["device"] = torch.device("meta")
        meter, bound = Meter(name, limits, alive), UPPER_BOUNDS.get(name)
        meter.require_pieces(function, shadows)
        try:
            with meter:
                (bound or function)(**shadows)
        except NotImplementedError as error:
            raise ModelError(
                f"What an exported program's {name} costs depends on values: {reason_of(error)}.",
                "Export it without.",
            ) from error


def by_name(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of an operation by the names of its schema."""
    names = [argument.name for argument in function._schema.arguments]
    return {**dict(zip(names, args, strict=False)), **kwargs}


def on_meta(value: Any) -> Any:
    """An argument with its tensors on the meta device, of the same strides and storage."""
    if isinstance(value, list):
        return [on_meta(item) for item in value]
    if isinstance(value, torch.device):
        return torch.device("meta")
    if not isinstance(value, Tensor):
        return value
    whole = value.untyped_storage().nbytes() // value.element_size()
    storage = torch.empty(whole, dtype=value.dtype, device="meta").untyped_storage()
    shadow = torch.empty(0, dtype=value.dtype, device="meta")
    return shadow.set_(storage, value.storage_offset(), value.shape, value.stride())


def tensors_in(found: Any) -> Iterator[Tensor]:
    """Every tensor of a result."""
    if isinstance(found, Tensor):
        yield found
    elif isinstance(found, list | tuple):
        for item in found:
            yield from tensors_in(item)


def pieces_of(function: Any, arguments: Mapping[str, Any]) -> int:
    """How many tensors an operation would split one into, at least."""
    whole, dim, name = arguments.get("self"), arguments.get("dim", 0), function._opname
    if name in ("chunk", "tensor_split", "hsplit", "vsplit"):
        asked = arguments.get("chunks", arguments.get("sections", 0))
        return asked if isinstance(asked, int) else 0
    if name not in ("unbind", "split") or not isinstance(whole, Tensor) or not whole.dim():
        return 0
    size = arguments.get("split_size", 1)
    return whole.shape[dim] // size if isinstance(size, int) and size > 0 else 0


def index_bound(self: Tensor, indices: Sequence[Tensor | None], **others: Any) -> Tensor:
    """The largest result of an index, whose masks may choose everything."""
    chosen: list[Tensor | None] = []
    for index in indices:
        if index is None or not is_mask(index):
            chosen.append(index)
        else:
            chosen += index.new_empty((index.dim(), index.numel()), dtype=torch.int64).unbind()
    found: Tensor = torch.ops.aten.index.Tensor(self, chosen)
    return found


UPPER_BOUNDS: Mapping[str, Callable[..., Any]] = {
    "index": index_bound,
    "index_put": lambda **given: (index_bound(**given), given["self"] + given["values"].sum()),
    "index_put_": lambda **given: index_bound(**given),
    "masked_select": lambda self, mask: self * mask,
    "nonzero": lambda self: self.new_empty((self.numel(), self.dim()), dtype=torch.int64),
}
"""What stands for operations whose results have shapes that depend on values."""
