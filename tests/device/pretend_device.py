"""A pretend accelerator: its tensors are computed on the CPU and refused beside those of the CPU.

So the placement of every tensor is tested where there is no GPU. It counts what makes a GPU wait,
and may be without float64, as Apple's are.
"""

import contextlib
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

import torch
from torch.utils import backend_registration
from torch.utils._pytree import tree_flatten, tree_map

NAME = "pretend"
SYNCHRONISING = {
    "aten::_local_scalar_dense",
    "aten::equal",
    "aten::nonzero",
    "aten::masked_select",
    "aten::unique_dim",
    "aten::_unique2",
    "aten::unique_consecutive",
    "aten::bincount",
    "aten::repeat_interleave.Tensor",
}
"""What gives a number, or a size that depends on values, and so waits for all that was begun."""
COPYING = {"aten::_to_copy", "aten::copy_", "aten::_copy_from", "aten::_copy_from_and_resize"}
FACTORIES = ("arange", "arange.start", "arange.start_step", "linspace", "logspace", "eye", "eye.m")
FACTORIES += ("randperm", "randperm.generator")
"""What torch would make empty and then resize, which a tensor that holds another cannot."""
INDEXING = ("aten::index", "aten::_index_put_impl_")
"""What CUDA takes indices on the CPU for."""


@dataclass
class Counts:
    """What was done on the device.

    Attributes:
        operations: by name.
        synchronisations: by name.
        copied: bytes, by (source, target), and of the largest copy to the host.
    """

    operations: Counter = field(default_factory=Counter)
    synchronisations: Counter = field(default_factory=Counter)
    copied: Counter = field(default_factory=Counter)
    largest: int = 0


_open: list[Counts] = []
_narrow: list[bool] = []


@contextlib.contextmanager
def counting():
    """What is done on the device inside."""
    counts = Counts()
    _open.append(counts)
    try:
        yield counts
    finally:
        _open.remove(counts)


@contextlib.contextmanager
def without_float64():
    """The device has no float64 inside."""
    _narrow.append(True)
    try:
        yield
    finally:
        _narrow.pop()


class PretendTensor(torch.Tensor):
    """A tensor of the device, which holds one of the CPU."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held, requires_grad=False):
        found = torch.Tensor._make_wrapper_subclass(
            cls,
            held.size(),
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=torch.device(NAME, 0),
            requires_grad=requires_grad,
        )
        found.held = held
        return found

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return run(function, args, kwargs or {})

    def tolist(self):
        return self.cpu().tolist()

    def numpy(self, **_):
        raise TypeError(f"can't convert {NAME}:0 device type tensor to numpy")

    def __array__(self, *_, **__):
        return self.numpy()

    def __repr__(self):
        return f"Pretend({self.held!r})"

    def new_tensor(self, data, *, dtype=None, device=None, requires_grad=False):
        found = torch.tensor(data, dtype=dtype or self.dtype).to(device or self.device)
        return found.requires_grad_(requires_grad)


def held(value):
    """The CPU's side of a tensor or device."""
    if isinstance(value, PretendTensor):
        return value.held
    if isinstance(value, torch.device) and value.type == NAME:
        return torch.device("cpu")
    return value


def run(function, args, kwargs):
    """An operation on the CPU's tensors, if a GPU would have taken these."""
    name = function._schema.name
    tensors = [v for v in tree_flatten((args, kwargs))[0] if isinstance(v, torch.Tensor)]
    here = [t for t in tensors if isinstance(t, PretendTensor)]
    require_one_place(name, tensors, here)
    target = target_of(name, args, kwargs, here)
    found = function(*tree_map(held, args), **tree_map(held, kwargs))
    count(name, function, tensors, found, target)
    if function._schema.is_mutable:
        owners = {id(t.held): t for t in here}
        return tree_map(lambda v: owners.get(id(v), v), found)
    if not target:
        return found
    return tree_map(lambda v: wrapped(v, name), found)


def wrapped(value, name):
    if not isinstance(value, torch.Tensor) or isinstance(value, PretendTensor):
        return value
    if _narrow and value.dtype == torch.float64:
        raise TypeError(f"Cannot convert a tensor to float64: {NAME} has none ({name})")
    return PretendTensor(value)


def require_one_place(name, tensors, here):
    """Refuse tensors of two devices, but for scalars, copies and indices, as CUDA does."""
    others = [t for t in tensors if not isinstance(t, PretendTensor) and t.dim()]
    if here and others and name not in COPYING and not name.startswith(INDEXING):
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, "
            f"{NAME}:0 and cpu! ({name})"
        )
    if here and others and name.startswith(INDEXING) and not isinstance(tensors[0], PretendTensor):
        raise RuntimeError(f"indices should be on the same device as the indexed tensor ({name})")


def target_of(name, args, kwargs, here):
    """Whether the result of an operation is on the device."""
    device = kwargs.get("device")
    if device is not None:
        return torch.device(device).type == NAME
    if name in COPYING and name != "aten::_to_copy":
        return isinstance(args[0], PretendTensor)
    return bool(here)


def count(name, function, tensors, found, target):
    """Note an operation with whoever counts."""
    waits = name in SYNCHRONISING or f"{name}.{function._schema.overload_name}" in SYNCHRONISING
    if name.startswith("aten::index"):
        waits = any(t.dtype == torch.bool for t in tensors[1:])
    for counts in _open:
        counts.operations[name] += 1
        if name in COPYING:
            source = all(isinstance(t, PretendTensor) for t in tensors[-1:])
            if source != target:
                size = tensors[-1].numel() * tensors[-1].element_size()
                counts.copied["to the host" if source else "to the device"] += size
                if source:
                    counts.largest = max(counts.largest, size)
                    counts.synchronisations["copy to the host"] += 1
        elif waits:
            counts.synchronisations[name] += 1


class _Module(getattr(backend_registration, "_DummyBackendModule", object)):
    def get_amp_supported_dtype(self):
        return [torch.float16, torch.bfloat16]

    def is_autocast_enabled(self):
        return False

    def get_rng_state_all(self):
        return []

    def get_rng_state(self, device=None):  # the CPU's generator draws for the device
        return torch.get_rng_state()

    def set_rng_state(self, state, device=None):
        torch.set_rng_state(state)

    def synchronize(self, device=None):
        pass


def factory(op, *args, **kwargs):
    """A new tensor on the device."""
    return run(op, args, kwargs)


_library = []


@contextlib.contextmanager
def patched():
    """What a tensor that holds another cannot do is done otherwise inside.

    It takes no views in inference mode, and ``torch.tensor`` makes none.
    """
    inference_mode, make = torch.inference_mode, torch.tensor

    def tensor(data, *, dtype=None, device=None, **settings):
        return make(data, dtype=dtype, **settings).to(device or "cpu")

    torch.inference_mode, torch.tensor = torch.no_grad, tensor
    try:
        yield
    finally:
        torch.inference_mode, torch.tensor = inference_mode, make


def install():
    """The device, which a process has once it was asked for."""
    if not _library:
        backend_registration._setup_privateuseone_for_python_backend(NAME, _Module())
        library = torch.library.Library("_", "IMPL")
        library.fallback(lambda op, *args, **kwargs: run(op, args, kwargs), "PrivateUse1")
        own = torch.library.Library("aten", "IMPL")
        for name in FACTORIES:
            packet, _, overload = name.partition(".")
            op = getattr(getattr(torch.ops.aten, packet), overload or "default")
            own.impl(name, partial(factory, op), "PrivateUse1")
        _library.extend([library, own])
    return torch.device(NAME, 0)
