"""Run the benchmarks and write their pages: ``python -m benchmarks [--small]``.

They are docs/benchmarks.md, and in docs/scaling.md what was fitted to it.

Every figure that is compared is a ratio of two times measured in turn in one process. ``--check``
compares a small run with the ratios that are kept of this processor, and fails if one has got worse
by half; ``--keep`` keeps those of today. Processors are told apart because what the engine is
compared with differs by them: torch's matmul is another program on each.
"""

import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import click
import torch

from benchmarks import annealing, kernel, threads, whole
from genprobe.runtime.cpus import available_cpus

BASELINE = Path(__file__).with_name("baseline.json")
SCALING = Path("docs/scaling.md")
WORSE = 1.5
Rows = list[dict[str, object]]


def small() -> dict[str, float]:
    """A few ratios that a slower engine would move."""
    found = {}
    for k in (10, 64):
        times = kernel.nanoseconds(
            kernel.posteriors(20_000, k, 0.4), ("matmul + logsumexp", "engine")
        )
        found[f"engine / floor, D = {k}"] = times["engine"] / kernel.floor(k)
        found[f"engine / matmul + logsumexp, D = {k}"] = (
            times["engine"] / times["matmul + logsumexp"]
        )
    separated, overlapping = kernel.pruning(100_000, 4096)
    for name, row in (("separated", separated), ("overlapping", overlapping)):
        found[f"pruned / dense, {name}"] = float(str(row["whole, M = 4096"]))
    return found


def processor() -> str:
    """What the ratios of a small run hang on: model, instructions and threads."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.processor() or platform.machine()
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{model}, {capability}, {torch.get_num_threads()} threads"


def of_this_processor(kept: Mapping[str, Mapping[str, float]]) -> Mapping[str, float]:
    """The ratios that are kept of this processor.

    Raises:
        ClickException: if none are.
    """
    try:
        return kept[processor()]
    except KeyError:
        raise click.ClickException(
            f"No ratios are kept of this processor: {processor()}.\n"
            "Keep them with --keep, of code that is known to be as quick as it should be."
        ) from None


def check(found: Mapping[str, float], known: Mapping[str, float]) -> list[str]:
    """What has got worse by more than the limit."""
    return [
        f"{name}: {found[name]:.2f}, was {value:.2f}"
        for name, value in known.items()
        if found[name] > WORSE * value
    ]


def with_ratios(rows: Iterable[dict[str, object]]) -> Rows:
    """Each row with the engine's time in floors, and what the others take in the engine's times."""
    return [with_ratio(row) for row in rows]


def with_ratio(row: dict[str, object]) -> dict[str, object]:
    """One row with its ratios."""
    times = {k: v for k, v in row.items() if isinstance(v, float)}
    quickest = min(times["engine"], times["engine, compiled"])
    ratios: dict[str, object] = {
        "engine / floor": times["engine"] / times["floor"],
        "compiled / floor": times["engine, compiled"] / times["floor"],
    }
    for name in ("MixtureSameFamily", "KeOps", "matmul + logsumexp"):
        if name in times:
            ratios[f"{name} / engine"] = times[name] / quickest
    return row | ratios


def table(heading: str, note: str, rows: Rows) -> str:
    """A section as Markdown."""
    click.echo(heading, err=True)
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["| " + " | ".join(cell(row.get(name)) for name in names) + " |" for row in rows]
    head = ["| " + " | ".join(names) + " |", "|" + "--:|" * len(names)]
    return "\n".join([f"## {heading}", "", note, "", *head, *lines, ""])


def cell(value: object) -> str:
    """A number in three digits."""
    if isinstance(value, float):
        return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"
    return "–" if value is None else str(value)


def page(timings: Sequence[threads.Timing]) -> str:
    """The whole page.

    Args:
        timings: of threads beside other programs.
    """
    intro = f"""# Benchmarks

Written by `nox -s bench`: torch {torch.__version__} on {processor()}. The machine is shared and
noisy: read the ratios, which are of times measured in turn in one process.
"""
    return "\n".join([intro, *of_the_engine(), *of_whole_runs(timings), *annealed()])


def of_the_engine() -> list[str]:
    """The sections on log q(z): its time, its error, and what it leaves out."""
    return [
        table(
            "Time a pair, by dimension",
            "Nanoseconds a pair of a query and a component, σ about 0.4. The floor is a "
            "float32 matmul at its best and one exp2. The engine's pass yields besides "
            "log q(z) the entropy of the index, the leave-one-out density and the largest "
            "share.",
            with_ratios(kernel.by_dimension((2, 10, 64, 256), 60_000)),
        ),
        table(
            "Time a pair in 1024 dimensions",
            "The same. Preparing 1024 natural parameters a component costs what a few thousand "
            "queries do, so the queries M are given.",
            list(kernel.wide(1024, 60_000, (4096, 16_384))),
        ),
        table(
            "Time a pair, by dimension and number of components",
            "With 4096 queries, the fewest that an evaluation asks, and all preparation in it.",
            with_ratios(kernel.by_size((2, 10, 64, 256, 1024), (10_000, 60_000, 1_000_000), 4096)),
        ),
        table(
            "Time a pair, by σ",
            "`log_aggregate` as it is called: with its float64 checks, what they make it redo, "
            "and pruning where it pays. 4096 queries; max_error is its own figure, nats.",
            list(kernel.by_width((1e-4, 1e-3, 1e-2, 0.1, 0.4, 1.0), 60_000, 64, 4096)),
        ),
        table(
            "`log_aggregate` as it is called",
            "2048 queries of 60000 components in 64 dimensions, preparation and float64 checks "
            "counted, with the own component known and unknown; nanoseconds a pair.",
            [kernel.as_called()],
        ),
        table(
            "Error",
            "Nats, against the float64 difference form on the same float32 inputs, with the "
            "own component known and unknown.",
            list(kernel.precision()),
        ),
        table(
            "Leaving out what cannot matter",
            "A pass with and without the index, posteriors separated and overlapping.",
            list(kernel.pruning(1_000_000, 8192)),
        ),
    ]


def of_whole_runs(timings: Sequence[threads.Timing]) -> list[str]:
    """The sections on what a user waits for.

    Args:
        timings: of threads beside other programs.
    """
    return [
        table(
            "I(n;z) to an error",
            "A process of its own, from a file of posteriors; peak memory with torch in it.",
            list(whole.information(((60_000, 64, 0.01), (1_000_000, 64, 0.02)))),
        ),
        table(
            "A whole evaluation",
            "2 × 500 softplus units each way, 10 latents, one draw.",
            [whole.against_bare_loop(n) for n in (10_000, 40_000)],
        ),
        table(
            "Threads beside other programs",
            "2048 queries, by threads that each run operations of their own: medians "
            f"of five, {available_cpus()} CPUs, beside processes that never rest.",
            threads.rows(timings),
        ),
        table(
            "Cold start",
            "Seconds of whole processes; imports besides Python's own.",
            [whole.cold_start()],
        ),
        table(
            "Many stores",
            "`genprobe compare` of stores of the digits, two processes for the reports.",
            [whole.comparing()],
        ),
        table(
            "Two processes",
            "The queries of 60000 posteriors in 64 dimensions, one thread a process.",
            [whole.ranks()],
        ),
    ]


def annealed() -> list[str]:
    """The sections on annealed chains, where the public model and its data are at hand."""
    if not annealing.at_hand():
        return []
    rows = list(annealing.equal_cost())
    return [
        table(
            "log p(x) of a public VAE",
            "100 MNIST test images, binarised, under bdmc-mnist; nats per image. A gradient is "
            "one of log p(x|z), of one image at one z: those of the fit, of tuning and of every "
            "run are counted.",
            [in_hundredths(row) for row in annealing.whole()],
        ),
        table(
            "Annealed chains against those of the public script",
            "10 of the images, 8 chains each. The script starts at the prior, has sigmoid "
            "temperatures and trajectories of ten steps, and tunes while it weighs. To come within "
            f"{annealing.NEAR:g} nat of the bound from the best posterior it takes "
            f"{annealing.factor(rows):.0f} times the gradients of a few steps of fitting and short "
            "chains. Errors are about 0.05 nat, and larger from the encoder.",
            [in_hundredths(row) for row in rows],
        ),
    ]


def in_hundredths(row: dict[str, object]) -> dict[str, object]:
    """A row whose bound is shown to a hundredth of a nat."""
    return row | {"nats": f"{float(str(row['nats'])):.2f}"}


@click.command()
@click.option("--small", "quick", is_flag=True, help="A few ratios only, as JSON.")
@click.option("--check", "compare", is_flag=True, help="Compare --small with those kept.")
@click.option("--keep", is_flag=True, help="Keep the ratios of --small, for this processor.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("docs/benchmarks.md"))
def main(quick: bool, compare: bool, keep: bool, out: Path) -> None:
    """Write the benchmark page, or check a few ratios."""
    if not (quick or compare or keep):
        timings = threads.beside_others()
        out.write_text(page(timings), encoding="utf-8")
        block = threads.model(timings, available_cpus())
        text = SCALING.read_text(encoding="utf-8")
        SCALING.write_text(threads.written_into(text, block), encoding="utf-8")
        return
    kept = json.loads(BASELINE.read_text(encoding="utf-8"))
    known = of_this_processor(kept) if compare else {}
    found = small()
    click.echo(json.dumps(found, indent=2))
    if keep:
        kept = dict(sorted({**kept, processor(): found}.items()))
        BASELINE.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    if worse := check(found, known):
        raise click.ClickException("slower than before: " + "; ".join(worse))


if __name__ == "__main__":
    main()
