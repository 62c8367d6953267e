"""A graph of tensor operations: its steps, and running them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genprobe.errors import ModelError
from genprobe.loaders.program_archive import AGAIN
from genprobe.loaders.program_limits import Watch


@dataclass(frozen=True)
class Name:
    """The value of that name."""

    text: str


class Device:
    """The device of the input, whatever the program was exported on."""


class WorkingFloat:
    """The dtype of the input where the program says float32, so that it runs in float64 too."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """One operation of a graph.

    Attributes:
        function: what is called.
        arguments: by name, in the terms of ``resolve``.
        positional: those without a name.
        outputs: names of its results; a list of names is a result that is a list.
        last: names that no later step needs.
    """

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    positional: Sequence[Any]
    outputs: Sequence[str | Sequence[str]]
    last: Sequence[str] = ()


class Program(nn.Module):
    """A graph of tensor operations with its weights.

    Args:
        state: weights and constants by their names in the graph.
        given: the name of its one input.
        steps: in order.
        outputs: names of what it returns.
    """

    def __init__(
        self, state: Mapping[str, Tensor], given: str, steps: Sequence[Step], outputs: Sequence[str]
    ) -> None:
        super().__init__()
        for name, values in state.items():
            self.register_buffer(name, values)
        self.given = given
        self.steps = steps
        self.outputs = outputs
        self.affordable: set[tuple[Any, ...]] = set()

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """What the graph makes of x (batch, ...).

        Raises:
            ModelError: if a node would cost too much, or its arguments are not safe.
        """
        kind = (x.shape, x.stride(), x.dtype, x.device, x.requires_grad, torch.is_grad_enabled())
        watch = None if kind in self.affordable else Watch(x, self.buffers())
        values: dict[str, Any] = {**dict(self.named_buffers()), self.given: x}
        for step in self.steps:
            positional = [resolve(argument, values, x) for argument in step.positional]
            named = {k: resolve(argument, values, x) for k, argument in step.arguments.items()}
            if watch:
                watch.require(step.function, positional, named, values)
            bind(step.outputs, step.function(*positional, **named), values)
            for name in step.last:
                del values[name]
        if watch and watch.steady:
            self.affordable.add(kind)
        return tuple(tensor_named(name, values) for name in self.outputs)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "Program":
        """Weights that move, or become float64, may cost something else."""
        self.affordable.clear()
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        return self


def tensor_named(name: str, values: Mapping[str, Any]) -> Tensor:
    """A result of a program.

    Raises:
        ModelError: if it is no tensor.
    """
    found = values[name]
    if not isinstance(found, Tensor):
        raise ModelError(f"The exported program returns {name}, which is no tensor.", AGAIN)
    return found


def resolve(argument: Any, values: Mapping[str, Any], x: Tensor) -> Any:
    """An argument of a step with its names replaced by values."""
    if isinstance(argument, Name):
        return values[argument.text]
    if isinstance(argument, list):
        return [resolve(item, values, x) for item in argument]
    if argument is Device:
        return x.device
    if argument is WorkingFloat:
        return x.dtype if x.is_floating_point() else torch.float32
    return argument


def bind(names: Sequence[str | Sequence[str]], result: Any, values: dict[str, Any]) -> None:
    """Give the results of a step their names.

    Raises:
        ModelError: if there are more or fewer results than names.
    """
    if not names:
        return
    for name, value in paired(names, [result] if len(names) == 1 else result):
        if isinstance(name, str):
            values[name] = value
        else:
            values.update(paired(name, value))


def paired(names: Sequence[Any], results: Any) -> Iterator[tuple[Any, Any]]:
    """Names and what they are of.

    Raises:
        ModelError: if there are more or fewer results than names.
    """
    count = len(results) if isinstance(results, list | tuple) else "no list of"
    if count != len(names):
        raise ModelError(
            f"The exported program names {len(names)} results where there are {count}.", AGAIN
        )
    return zip(names, results, strict=True)


def names_in(argument: Any) -> Iterator[str]:
    """Every name in an argument."""
    if isinstance(argument, Name):
        yield argument.text
    elif isinstance(argument, list):
        for item in argument:
            yield from names_in(item)


def used(step: Step) -> set[str]:
    """Every name that a step needs."""
    arguments = [*step.positional, *step.arguments.values()]
    return {name for argument in arguments for name in names_in(argument)}


def made(step: Step) -> set[str]:
    """Every name that a step gives."""
    return {
        name
        for output in step.outputs
        for name in ([output] if isinstance(output, str) else output)
    }


def require_names(path: Path, known: set[str], steps: Sequence[Step], outputs: list[str]) -> None:
    """Check that every name is given once, before it is used.

    Raises:
        ModelError: naming one that is not.
    """
    for step in steps:
        if missing := used(step) - known:
            raise ModelError(f"{path} is no program: nothing makes {min(missing)}.", AGAIN)
        if twice := made(step) & known:
            raise ModelError(f"{path} is no program: {min(twice)} is made twice.", AGAIN)
        known |= made(step)
    if missing := set(outputs) - known:
        raise ModelError(f"{path} is no program: nothing makes {min(missing)}.", AGAIN)


def forget(steps: Sequence[Step], kept: set[str]) -> list[Step]:
    """The steps, each with the names that may go after it, so that memory stays that of eager."""
    needed, lean = set(kept), []
    for step in reversed(steps):
        last = (used(step) | made(step)) - needed
        lean.append(
            Step(
                function=step.function,
                arguments=step.arguments,
                positional=step.positional,
                outputs=step.outputs,
                last=tuple(last),
            )
        )
        needed |= last
    return lean[::-1]
