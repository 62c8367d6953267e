"""What the suites share: a seed for every test, parts that are registered for a while, devices."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pytest
import torch
from torch import Tensor
from torch.distributions import Distribution
from torch.distributions.constraints import Constraint

from genprobe.aggregate.blocks import size_of
from genprobe.analysis.report import report_from_store
from genprobe.hookspecs import hookimpl
from genprobe.plugins import plugins
from genprobe.report import Report
from genprobe.runs.evaluate import evaluate
from genprobe.runtime.device import has_float64
from genprobe.runtime.seeds import seeded
from genprobe.store.read import open_store
from genprobe.types import Family, Model, Params, Prior, PriorFactory

Result = TypeVar("Result")


class Suite:
    """Tests of one part, each from the same seed.

    Attributes:
        part: what is tested.
        seed: of the global generator at the start of every test.
    """

    part: Any
    seed = 0

    @pytest.fixture(autouse=True)
    def _seeded(self) -> Iterator[None]:
        assert hasattr(type(self), "part"), f"{type(self).__name__} must say part = …"
        with seeded(self.seed):
            yield


def double(params: Params) -> dict[str, Tensor]:
    """A copy of parameters in float64."""
    return {name: values.double().clone() for name, values in params.items()}


def rows(params: Params, index: Any) -> dict[str, Tensor]:
    """Parameters of some examples."""
    return {name: values[index] for name, values in params.items()}


def one_by_one(params: Params) -> list[dict[str, Tensor]]:
    """Parameters (n, ...) as n times (1, ...)."""
    return [rows(params, slice(i, i + 1)) for i in range(size_of(params))]


def of_one(distribution: Distribution) -> Callable[[Tensor], Tensor]:
    """The density of a distribution of batch shape (1,), of z (s, *event) to (s,)."""

    def log_density(z: Tensor) -> Tensor:
        found: Tensor = distribution.log_prob(z[:, None])
        return found[:, 0]

    return log_density


def support_of(distribution: Distribution) -> Constraint:
    """The support that a distribution states.

    Raises:
        AssertionError: if it states none.
    """
    try:
        support: Constraint | None = distribution.support
    except NotImplementedError:
        support = None
    assert support is not None, (
        f"{type(distribution).__name__} does not state its support: add the property, or set "
        "support = … in the tests"
    )
    return support


def where_defined(value: Callable[[], Result]) -> Result | None:
    """A quantity that a distribution may not define; None where it does not."""
    try:
        return value()
    except NotImplementedError:
        return None


def unchanged(params: Params, call: Callable[[Params], object]) -> bool:
    """Whether a call leaves the tensors it is given as they were."""
    mine = {name: values.clone() for name, values in params.items()}
    call(mine)
    return mine.keys() == params.keys() and all(torch.equal(mine[k], params[k]) for k in params)


def require_one_device(call: Callable[[torch.device], Tensor], what: str) -> None:
    """Check that a result lies where the inputs lie.

    Tried with torch's ``meta`` device, which computes shapes only and refuses to mix with the CPU;
    and on an accelerator, where there is one with float64. Code that has to look at values cannot
    run on ``meta``.

    Args:
        call: computes a result of inputs on a device.
        what: named in the message.

    Raises:
        AssertionError: if the result lies elsewhere, or tensors of two devices meet.
    """
    devices = [torch.device("meta")]
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if accelerator is not None and has_float64(accelerator):
        devices.append(accelerator)
    for device in devices:
        try:
            found = call(device)
        except RuntimeError as error:
            if device.type == "meta" and "item() cannot be called on meta" in str(error):
                continue
            raise AssertionError(f"{what} fails with inputs on {device}: {error}") from error
        assert found.device.type == device.type, (
            f"{what} lies on {found.device} for inputs on {device}"
        )


@contextlib.contextmanager
def provided(**parts: Any) -> Iterator[None]:
    """Register parts for a while, such as ``families=[mine]``, unless a plugin provides them.

    Raises:
        AssertionError: if genprobe itself has another part of that name.
    """
    plugin = ModuleType("genprobe_testing")
    for kind, some in parts.items():
        missing = {n: p for n, p in named(some).items() if not registered(kind, n, p)}
        setattr(plugin, f"genprobe_{kind}", hookimpl(returning(some, missing)))
    manager = plugins().manager
    manager.register(plugin, f"genprobe.testing {id(plugin)}")
    try:
        yield
    finally:
        manager.unregister(plugin)


def returning(some: Any, missing: Mapping[str, Any]) -> Callable[[], Any]:
    """A hook that provides what is missing, as a mapping or a list."""
    return lambda: dict(missing) if isinstance(some, Mapping) else list(missing.values())


def named(some: Any) -> dict[str, Any]:
    """Parts by name."""
    if isinstance(some, Mapping):
        return dict(some)
    return {getattr(part, "name", None) or part.scheme: part for part in some}


def registered(kind: str, name: str, part: Any) -> bool:
    """Whether a plugin provides this part.

    Raises:
        AssertionError: if it is a built-in one of the same name.
    """
    for found in plugins().parts(kind):
        if found.name == name:
            assert found.owner != "builtin" or found.value is part, (
                f"{name!r} is the name of a built-in part: choose another"
            )
            return True
    return False


def plain_prior(family: Family, params: Params) -> tuple[Prior, PriorFactory]:
    """The first of some posteriors as a prior without closed forms, and how to rebuild it.

    Args:
        family: of the posterior.
        params: (n, ...) of which the first is taken.
    """

    def build(event_shape: torch.Size, saved: Params) -> Prior:
        distribution = family.distribution(saved)
        axis = -1 - len(event_shape)

        def log_prob(z: Tensor) -> Tensor:
            found: Tensor = distribution.log_prob(z.unsqueeze(axis))
            return found.squeeze(-1)

        def sample(n: int) -> Tensor:
            drawn: Tensor = distribution.sample(torch.Size([n]))
            return drawn.squeeze(1)

        def no_kl(family: Family, params: Params) -> Tensor | None:
            return None

        name = "genprobe-testing"
        return Prior(name=name, log_prob=log_prob, sample=sample, kl=no_kl, params=dict(saved))

    first = rows(double(params), slice(0, 1))
    prior = build(family.event_shape(params), first)
    return prior, PriorFactory(name=prior.name, build=build)


def lookup(params: Params) -> Callable[[Tensor], Params]:
    """An encoder that takes example number x (batch, 1) to row x of some parameters."""
    return lambda x: {k: v[x[:, 0].long()].to(x.dtype) for k, v in params.items()}


def numbers(count: int, of: int) -> Tensor:
    """Example numbers (count, 1) that run through 0 … of − 1 again and again."""
    return (torch.arange(count) % of).double()[:, None]


def evaluated_and_reopened(
    model: Model, x: Tensor, folder: Path, **options: Any
) -> tuple[Report, Report]:
    """The report of an evaluation, and the one that is made from its store without the model.

    Args:
        model: evaluated in float64.
        x: (n, *event) data.
        folder: where the store is written.
        options: of ``genprobe.evaluate``.

    Raises:
        AssertionError: if an estimator fails on what the part gives it.
    """
    store = folder / "store.h5"
    report = evaluate(model, x, store=store, device="cpu", dtype="float64", **options)
    failed = [notice.message for notice in report.warnings if notice.code == "estimator-failed"]
    assert not failed, failed[0]
    return report, report_from_store(open_store(store))


def require_same_estimates(first: Report, second: Report, what: str) -> None:
    """Check that two reports have the same numbers.

    Raises:
        AssertionError: naming the first estimate that differs.
    """
    mine, other = ({k: json.dumps(v) for k, v in plain(r).items()} for r in (first, second))
    assert mine.keys() == other.keys(), (
        f"{what}: {', '.join(sorted(mine.keys() ^ other.keys()))} is in one report only"
    )
    for name in mine:
        assert mine[name] == other[name], f"{what}: {name} is {mine[name]}, then {other[name]}"


def plain(report: Report) -> dict[str, Any]:
    """The estimates of a report as plain types."""
    found: dict[str, Any] = report.to_dict()["estimates"]
    return found
