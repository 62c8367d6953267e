"""Every operation of the list for exported programs, called with hostile arguments.

Hypothesis chooses arguments by each operation's schema: huge, negative and wrong numbers, tensors
that are empty, of wrong rank, dtype or length, strided or expanded, with NaN and indices out of
range. A child process checks each call as genprobe checks a node of a program, and runs it twice.
The two runs differ in the memory that surrounds the tensors and in what the allocator leaves in
new memory: a result that differs was read from there. A child that crashes is replaced.
"""

import ctypes
import math
import multiprocessing
import os
import resource
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from torch import Tensor

from fuzz.operation_arguments import Given
from fuzz.operation_recipes import Call, call
from genprobe.errors import ModelError
from genprobe.loaders.operations import operation, overloads
from genprobe.loaders.program_limits import Limits, require_affordable, tensors_in

LIMITS = Limits(memory=1 << 24, work=1 << 33, calls=1 << 14, pieces=1 << 12)
"""Those of the trials: small, so that a trial is short."""
SLACK = 1 << 26
"""Bytes that a call may use beside its results."""
ADDRESSES = 1 << 31
"""Bytes of addresses that a child may have beyond those it starts with."""
LONGEST = 10.0
"""Seconds of a call."""
AROUND = 1 << 14
"""Bytes on each side of a tensor."""
PERTURB = -6
"""glibc's M_PERTURB: with what new memory is filled."""
FAULTS = ("crash", "hang", "foreign", "wrote", "oversize")


# In the child -------------------------------------------------------------------------------------


def build(given: Given, surrounding: int) -> tuple[Tensor, bytearray | None]:
    """The tensor of a description, and the memory it lies in, filled with a byte around it."""
    shape = list(given.shape)
    stored = {"expanded": shape[1:], "sliced": [2 * n for n in shape]}.get(given.layout, shape)
    stored = stored[::-1] if given.layout == "transposed" else stored
    last = given.layout == "last" and len(shape) > 2
    stored = [shape[0], *shape[2:], shape[1]] if last else stored
    flat = values_of(given, torch.Size(stored).numel())
    memory = None
    if flat.numel():
        memory = bytearray([surrounding]) * (2 * AROUND + flat.numel() * flat.element_size())
        placed = torch.frombuffer(memory, dtype=given.dtype, count=flat.numel(), offset=AROUND)
        flat = placed.copy_(flat)
    found = flat.view(stored)
    if given.layout == "expanded" and shape:
        found = found.expand(shape)
    elif given.layout == "transposed":
        found = found.permute(tuple(range(len(shape)))[::-1])
    elif last:
        found = found.movedim(-1, 1)
    elif given.layout == "sliced":
        found = found[tuple(slice(n) for n in shape)]
    return found.requires_grad_(given.gradient and found.is_floating_point()), memory


def values_of(given: Given, n: int) -> Tensor:
    """Values of a description (n,), always the same."""
    generator = torch.Generator().manual_seed(n)
    special = {
        "nan": [math.nan, 1.0, math.inf, -math.inf],
        "huge": [1e30, -1e30, 1e10, 3.0],
        "zero": [0.0, -0.0],
        "index": [0.0, 1.0, 2.0, 0.0],
        "wild": [-1.0, 2**31, 5.0, -(2.0**63), 2.0**62, 0.0],
    }.get(given.values)
    if special is None:
        return torch.randn(n, generator=generator).to(given.dtype)
    chosen = torch.randint(len(special), (n,), generator=generator)
    return torch.tensor(special, dtype=torch.float64)[chosen].to(given.dtype)


def run_once(call: Call, surrounding: int) -> tuple[Any, list[Tensor], bool]:
    """The error of a call or None, its results, and whether it left the surroundings alone."""
    memories: list[bytearray] = []

    def prepare(value: Any) -> Any:
        if isinstance(value, Given):
            tensor, memory = build(value, surrounding)
            memories.extend([memory] if memory else [])
            return tensor
        return [prepare(item) for item in value] if isinstance(value, list) else value

    function = operation(call.target)
    writes = function._schema.is_mutable
    arguments = {name: prepare(value) for name, value in call.arguments.items()}
    inputs = list(tensors_in(list(arguments.values())))
    if writes:
        for tensor in inputs:
            tensor.requires_grad_(False)
    torch.default_generator.manual_seed(0)
    error, results = None, []
    try:
        require_affordable(function, [], arguments, LIMITS)
        results = list(tensors_in(function(**arguments)))
        backward(results)
        gradients = [part for t in inputs if t.grad is not None for part in stored_parts(t.grad)]
        results += gradients + (inputs if writes else [])
    except Exception as caught:  # whatever torch raises
        error = caught
    side = bytes([surrounding]) * AROUND
    alone = all(m[:AROUND] == side and m[-AROUND:] == side for m in memories)
    return error, [t.detach().clone() for t in results], alone


def stored_parts(tensor: Tensor) -> tuple[Tensor, ...]:
    """The dense tensors that hold a tensor; an embedding's gradient may be sparse."""
    return (tensor._indices(), tensor._values()) if tensor.is_sparse else (tensor,)


def backward(results: Sequence[Tensor]) -> None:
    """Gradients of every input that has one."""
    parts = [t.abs() if t.is_complex() else t for t in results if t.requires_grad]
    if parts:
        torch.stack([part.float().sum() for part in parts]).sum().backward()


def judge(call: Call, perturb: Callable[[int], Any]) -> tuple[str, str]:
    """What a call does, in a word, and more of it."""
    Path("/proc/self/clear_refs").write_text("5")
    before = peak()
    found = []
    for surrounding in (0x3E, 0x45):
        perturb(surrounding)
        found.append(run_once(call, surrounding))
    (error, first, alone), (_, second, also) = found
    sizes = [t.untyped_storage().nbytes() for t in first]
    if not (alone and also):
        return "wrote", ""
    if isinstance(error, MemoryError) or "can't allocate" in str(error):
        return "oversize", str(error)[:200]
    if peak() - before > LIMITS.memory + SLACK or any(s > LIMITS.memory for s in sizes):
        return "oversize", f"{peak() - before} bytes"
    if type(error) is not type(found[1][0]) or not all(map(same, first, second)):
        return "foreign", f"{error}"
    kind = "ran" if error is None else "refused" if isinstance(error, ModelError) else "error"
    return kind, f"{type(error).__name__}: {error}"[:300]


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same bits, NaN's aside."""
    one, other = (t.resolve_conj().resolve_neg() for t in (one, other))
    return one.shape == other.shape and bool(torch.isclose(one, other, 0, 0, equal_nan=True).all())


def peak() -> int:
    """The most bytes that this process had."""
    [line] = [s for s in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in s]
    return 1024 * int(line.split()[1])


def serve(connection: Connection, other: Connection) -> None:
    """Judge calls until the other end of the connection is closed."""
    other.close()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # torch warns of much, and glibc of what it aborts
    torch.set_num_threads(1)
    pages = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (pages + ADDRESSES, pages + ADDRESSES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    library = ctypes.CDLL(None)
    connection.send(None)
    while True:
        try:
            call = connection.recv()
        except EOFError:
            return
        connection.send(judge(call, lambda byte: library.mallopt(PERTURB, byte)))


# In the parent ------------------------------------------------------------------------------------


class Child:
    """A process that judges calls, and is replaced when one crashes or hangs it."""

    def __init__(self) -> None:
        self.context = multiprocessing.get_context("fork")
        # What torch imports at its first call on the meta device, each child would import again.
        require_affordable(operation("torch.ops.aten.var.default"), [torch.ones(2)], {}, LIMITS)
        self.start()

    def start(self) -> None:
        """Begin a process."""
        self.connection, other = self.context.Pipe()
        self.process = self.context.Process(
            target=serve, args=(other, self.connection), daemon=True
        )
        self.process.start()
        other.close()
        self.connection.recv()  # it is ready

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.join()
        self.connection.close()

    def judge(self, call: Call) -> tuple[str, str]:
        """What a call does."""
        self.connection.send(call)
        found = ("hang", "")
        if self.connection.poll(LONGEST):
            try:
                return self.connection.recv()  # type: ignore[no-any-return]
            except (EOFError, ConnectionResetError):
                self.process.join()
                found = ("crash", f"exit {self.process.exitcode}")
        self.close()
        self.start()
        return found


def outcomes(
    child: Child, target: str, examples: int, seed: int
) -> Iterator[tuple[Call, str, str]]:
    """What hostile calls of an operation do."""
    found: list[tuple[Call, str, str]] = []

    @seeded(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.randoms(use_true_random=True))
    def attempt(r: Random) -> None:
        drawn = call(r, target)
        found.append((drawn, *child.judge(drawn)))

    attempt()
    yield from found


def run(
    examples: int,
    seed: int,
    targets: Sequence[str] | None = None,
    report: Callable[[str], Any] = print,
) -> dict[str, int]:
    """Call every operation of the list with hostile arguments.

    Args:
        examples: of each operation.
        seed: of the draws.
        targets: the operations; all by default.
        report: what is called with a line for each fault.

    Returns:
        How many calls ran, were refused, raised an error of torch, or had each kind of fault.
    """
    counts: Counter[str] = Counter({"operations": 0, **dict.fromkeys(FAULTS, 0)})
    child = Child()
    try:
        for target in targets or sorted(overloads()):
            counts["operations"] += 1
            for call, kind, more in outcomes(child, target, examples, seed):
                counts[kind] += 1
                if kind in FAULTS:
                    report(f"{kind}: {call} {more}")
    finally:
        child.close()
    return dict(counts)


if __name__ == "__main__":
    print(run(int(sys.argv[1]), 0, sys.argv[2:] or None))
