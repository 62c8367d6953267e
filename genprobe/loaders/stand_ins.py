"""Reading the tensors of a checkpoint that also holds objects of other classes.

``weights_only=True`` refuses such a file whole, be it for one ``argparse.Namespace`` among the
hyperparameters of Lightning. Here whatever a pickle imports is a stand-in with the name of it, and
whatever it makes of that is another: nothing is imported, and nothing is called but the functions
of ``KNOWN``, which put tensors and plain containers together. Storages are read here too, because
``torch.load`` would hand an archive that looks like TorchScript to its loader.
"""

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, ClassVar

import torch
from torch import Tensor

from genprobe.errors import ModelError
from genprobe.runtime.checked_zip import ZIP_MAGIC, checked_zip
from genprobe.runtime.untrusted import reading

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
DTYPES = {
    "Float": torch.float32,
    "Double": torch.float64,
    "Half": torch.float16,
    "BFloat16": torch.bfloat16,
    "Long": torch.int64,
    "Int": torch.int32,
    "Short": torch.int16,
    "Char": torch.int8,
    "Byte": torch.uint8,
    "Bool": torch.bool,
    "ComplexFloat": torch.complex64,
    "ComplexDouble": torch.complex128,
}
STORAGES = {f"torch.{name}Storage": dtype for name, dtype in DTYPES.items()} | {
    "torch.storage.UntypedStorage": torch.uint8
}
"""The dtype of each kind of storage that a pickle names."""


@dataclass(eq=False)
class StandIn:
    """Stands for what a pickle imports, or for an object that it makes of that; it does nothing.

    Attributes:
        name: of the import, such as ``argparse.Namespace``.
        state: what the object would have been given as its state.
        items: what would have been put into it by key.
    """

    name: str
    state: Any = None
    items: dict[Any, Any] = field(default_factory=dict)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.items[key] = value

    def append(self, item: Any) -> None:
        """Drop an item."""

    add = extend = append


@dataclass(frozen=True, eq=False)
class Known:
    """An import that is acted upon.

    Attributes:
        make: what is done in its place.
    """

    make: Callable[..., Any]


def make(named: Any, arguments: Iterable[Any]) -> Any:
    """What a pickle makes of an import.

    Args:
        named: the stand-in of the import, or a known one.
        arguments: that it would be called with.

    Raises:
        UnpicklingError: if it is neither.
    """
    if isinstance(named, Known):
        return named.make(*arguments)
    if isinstance(named, StandIn):
        return StandIn(named.name)
    raise pickle.UnpicklingError(f"it calls a {type(named).__name__}")


def strided(storage: Tensor, offset: int, size: Sequence[int], stride: Sequence[int]) -> Tensor:
    """A tensor over a storage; torch refuses one that reaches beyond it."""
    return storage.as_strided(tuple(size), tuple(stride), offset)


KNOWN: Mapping[str, Callable[..., Any]] = {
    "collections.OrderedDict": OrderedDict,
    "builtins.set": set,
    "__builtin__.set": set,
    "_codecs.encode": lambda text, _: bytes(text, "latin1"),  # how older protocols write bytes
    "copyreg._reconstructor": lambda named, *_: make(named, ()),
    "copy_reg._reconstructor": lambda named, *_: make(named, ()),
    "torch.Size": tuple,
    "torch._utils._rebuild_tensor": strided,
    "torch._utils._rebuild_tensor_v2": lambda *given: strided(*given[:4]),
    "torch._utils._rebuild_tensor_v3": lambda storage, *given: strided(
        storage.view(given[5]), *given[:3]
    ),
    "torch._utils._rebuild_parameter": lambda data, *_: data,
    "torch._utils._rebuild_parameter_with_state": lambda data, *_: data,
    "torch._tensor._rebuild_from_type_v2": lambda function, _, given, __: make(function, given),
    "torch.storage._load_from_bytes": lambda content: read_stream(io.BytesIO(content)),
}
"""What is done in the place of each import that tensors and plain containers need."""


def replaced(names: Iterable[str]) -> tuple[str, ...]:
    """Which of some imports get a stand-in, because they are none of tensors and plain containers.

    Example:
        >>> replaced(["collections.OrderedDict", "torch.FloatStorage", "argparse.Namespace"])
        ('argparse.Namespace',)
    """
    return tuple(name for name in names if name not in KNOWN and name not in STORAGES)


class Reader(pickle._Unpickler):
    """Reads one pickle; of its opcodes all that import, call or set something are replaced.

    Args:
        file: at the start of the pickle.
        storage: dtype, key, number of values and perhaps view to a flat tensor.
    """

    stack: list[Any]

    def __init__(self, file: IO[bytes], storage: Callable[..., Tensor] | None = None) -> None:
        super().__init__(file, encoding="utf-8", errors="replace")
        self.storage = storage

    def find_class(self, module: str, name: str) -> Any:
        """What is put in the place of an import."""
        full = f"{module}.{name}"
        if full in KNOWN:
            return Known(KNOWN[full])
        dtype = getattr(torch, name, None) if module == "torch" else None
        return dtype if isinstance(dtype, torch.dtype) else StandIn(full)

    def persistent_load(self, pid: Any) -> Any:
        """A storage; for the class of a module, which older files name so, its stand-in."""
        kind, *rest = pid if isinstance(pid, tuple) else (None,)
        if kind == "module":
            return rest[0]
        if kind != "storage" or self.storage is None:
            raise pickle.UnpicklingError("it refers to something else than a storage")
        named, key, _, size, *view = rest
        return self.storage(STORAGES[named.name], str(key), int(size), *view)

    def get_extension(self, code: int) -> None:
        """A name that a registry of this process holds: a stand-in."""
        self.stack.append(StandIn(f"copyreg extension {code}"))

    def _instantiate(self, named: Any, arguments: Iterable[Any]) -> None:
        self.stack.append(make(named, arguments))

    def load_reduce(self) -> None:
        """Make something of an import and its arguments."""
        arguments = self.stack.pop()
        self.stack[-1] = make(self.stack[-1], arguments)

    def load_newobj_ex(self) -> None:
        """The same with keywords, which no known import takes."""
        self.stack.pop()
        self.load_reduce()

    def load_build(self) -> None:
        """Keep the state of an object; set nothing on anything."""
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, StandIn):
            target.state = state

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {
        **pickle._Unpickler.dispatch,
        pickle.REDUCE[0]: load_reduce,
        pickle.NEWOBJ[0]: load_reduce,
        pickle.NEWOBJ_EX[0]: load_newobj_ex,
        pickle.BUILD[0]: load_build,
    }


def read_with_stand_ins(path: Path) -> Any:
    """The content of a checkpoint or pickle, with stand-ins for what is neither tensor nor plain.

    Raises:
        ModelError: if it does not read.

    Example:
        >>> import argparse, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "model.ckpt")
        ...     torch.save({"w": torch.ones(2), "hparams": argparse.Namespace(lr=0.1)}, path)
        ...     content = read_with_stand_ins(path)
        >>> content["w"]
        tensor([1., 1.])
        >>> content["hparams"]
        StandIn(name='argparse.Namespace', state={'lr': 0.1}, items={})
    """
    remedy = "Check the path, or save the weights again."
    with (
        reading(path, "a checkpoint of tensors", remedy, ModelError),
        path.open("rb") as file,
    ):
        # torch looks nowhere else for an archive.
        archived = file.read(len(ZIP_MAGIC)) == ZIP_MAGIC
        file.seek(0)
        return read_archive(path) if archived else read_stream(file)


def read_archive(path: Path) -> Any:
    """The content of the zip archive that ``torch.save`` writes."""
    with checked_zip(path, content=False) as archive:  # every member is read whole
        [pickled] = [name for name in archive.namelist() if name.endswith("data.pkl")]
        root = pickled.removesuffix("data.pkl")
        order = f"{root}byteorder"
        if order in archive.namelist() and archive.read(order) != b"little":
            raise pickle.UnpicklingError("its numbers are big-endian")
        read: dict[str, Tensor] = {}

        def storage(dtype: torch.dtype, key: str, size: int) -> Tensor:
            if key not in read:
                info = archive.getinfo(f"{root}data/{key}")
                fits = info.file_size == info.compress_size == size * dtype.itemsize
                if not fits or info.compress_type != zipfile.ZIP_STORED:
                    raise pickle.UnpicklingError(f"its storage {key} is of another size")
                read[key] = flat(archive.read(info), dtype)
            return read[key]

        return Reader(io.BytesIO(archive.read(pickled)), storage).load()


def flat(content: bytes, dtype: torch.dtype) -> Tensor:
    """The values in some bytes."""
    if not content:
        return torch.empty(0, dtype=dtype)
    return torch.frombuffer(bytearray(content), dtype=dtype)


def read_stream(file: IO[bytes]) -> Any:
    """The content of a pickle, or of torch's older format, where the storages follow it.

    Tensors are made before their storages are read, and share memory with them.
    """
    first = Reader(file).load()
    if first != LEGACY_MAGIC:
        return first
    read: dict[str, Tensor] = {}
    here = file.tell()
    longest = file.seek(0, io.SEEK_END)
    file.seek(here)

    def storage(dtype: torch.dtype, key: str, size: int, view: Any = None) -> Tensor:
        if key not in read:
            if not 0 <= size * dtype.itemsize <= longest:
                raise pickle.UnpicklingError(f"its storage {key} is of another size")
            read[key] = torch.empty(size, dtype=dtype)
        if view is None:
            return read[key]
        _, offset, length = view
        return read[key][offset : offset + length]

    for _ in ("protocol", "system"):
        Reader(file).load()
    content = Reader(file, storage).load()
    for key in Reader(file).load():
        values = read[str(key)]
        size = int.from_bytes(file.read(8), "little")
        data = file.read(values.numel() * values.itemsize)
        if size != values.numel() or len(data) != values.numel() * values.itemsize:
            raise pickle.UnpicklingError(f"its storage {key} is cut short")
        values.copy_(flat(data, values.dtype))
    return content
