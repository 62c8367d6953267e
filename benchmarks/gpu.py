"""What there is to see on the day a GPU is at hand: ``python -m benchmarks.gpu``.

It writes docs/gpu.md in less than eight minutes. A part that fails says so in its place and costs
no other; what would begin too late is left out and named.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import click
import torch

import genprobe
from benchmarks import whole
from benchmarks.__main__ import Rows, table
from benchmarks.clock import in_turn
from benchmarks.kernel import Posteriors, posteriors
from benchmarks.methods import methods
from genprobe.errors import reason_of
from genprobe.runtime.device import choose_device

SECONDS = 420.0
"""No part begins later: the longest takes less than a minute."""
DEMO = Path(genprobe.__file__).parent / "demo"
Part = Callable[[torch.device, bool], Rows]


def waiting(work: Callable[[], object], device: torch.device) -> Callable[[], None]:
    """The work, and all that it began on the device."""

    def both() -> None:
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return both


def floor(k: int, device: torch.device, rows: int) -> float:
    """Nanoseconds of a float32 matmul at its best and one exp2 a pair, on the device."""
    left, right = torch.randn(2, rows, 2 * k, device=device)
    out, scratch = torch.empty(2, rows, rows, device=device).uniform_(-100, 0)
    works = {
        "matmul": waiting(lambda: torch.mm(left, right.T, out=out), device),
        "exponential": waiting(lambda: torch.exp2(scratch, out=out), device),
    }
    return sum(in_turn(works, 9).values()) / rows**2 * 1e9


def on(case: Posteriors, device: torch.device) -> Posteriors:
    """Posteriors on the device, but for the own components, which stay with the CPU."""
    loc, scale, z = (values.to(device) for values in case[:3])
    return Posteriors(loc, scale, z, case.own)


def engine(device: torch.device, small: bool) -> Rows:
    """Every way at its best, against the floor."""
    n, m = (2000, 256) if small else (200_000, 16_384)
    found: Rows = []
    for k in (10, 64, 256):
        case = on(posteriors(n, k, 0.4), device)
        row: dict[str, object] = {"D": k, "N": n, "M": m}
        row["floor"] = least = floor(k, device, 256 if small else 8192)
        for name, method in methods().items():
            if name == "broadcast":
                continue
            queries = m // 16 if name == "MixtureSameFamily" else m
            work = waiting(partial(method, case.z[:queries], case.loc, case.scale), device)
            try:
                work()
                row[name] = in_turn({name: work}, 2)[name] / queries / n * 1e9
            except Exception as error:  # whatever the device refuses
                row[name] = f"fails: {reason_of(error)}"
        each = row["engine"]
        found.append(row | ({"engine / floor": each / least} if isinstance(each, float) else {}))
    return found


def figures(device: torch.device, small: bool) -> Rows:
    """The demo's models on the device and on the CPU: the largest difference of an estimate."""
    x = genprobe.open_dataset("digits").read(0, 200 if small else 1000)
    found: Rows = []
    for path in sorted(DEMO.glob("*.pt"))[: 1 if small else None]:
        cpu, here = (genprobe.evaluate(path, x, device=name) for name in ("cpu", str(device)))
        off = {
            name: abs(here[name].value - e.value) / max(1.0, abs(e.value))
            for name, e in cpu.estimates.items()
        }
        worst = max(off, key=off.__getitem__)
        found.append({"model": path.stem, "largest difference": off[worst], "of": worst})
    return found


def memory(device: torch.device, small: bool) -> Rows:
    """Peak memory of the device in a pass over many components."""
    n, k, m = (5000, 64, 256) if small else (1_000_000, 64, 8192)
    case = posteriors(n, k, 0.4)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    start = time.perf_counter()
    genprobe.aggregate.log_aggregate(
        case.z[:m], "diagonal-normal", case.params, own=case.own[:m], device=device
    )
    seconds = time.perf_counter() - start
    peak = torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else None
    return [{"N": n, "D": k, "M": m, "s": seconds, "peak GiB": peak}]


def evaluation(device: torch.device, small: bool) -> Rows:
    """A whole evaluation against the model's bare loop and the pass."""
    return [
        whole.against_bare_loop(n, str(device)) for n in ((1000,) if small else (10_000, 40_000))
    ]


def suites(device: torch.device, small: bool) -> Rows:
    """The tests that try parts on a device, which take whatever accelerator there is."""
    folders = (
        ["tests/likelihoods/test_normal.py"] if small else ["tests/families", "tests/likelihoods"]
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-k", "stay_on_their_device", *folders],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    counts = re.findall(r"(\d+) (passed|failed|error)", done.stdout)
    return [{"outcome": what, "tests": int(count)} for count, what in counts]


def two_processes(device: torch.device, small: bool) -> Rows:
    """The queries of two processes on one card, if the library lets them share it."""
    script = Path(__file__).with_name("one_rank.py")
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    found: Rows = []
    with tempfile.TemporaryDirectory() as folder:
        data = whole.posterior_file(folder, 500 if small else 60_000, 64)
        for count in ("1", "2"):
            done = subprocess.run(
                [*launch, count, str(script), str(data), f"{folder}/{count}.h5", device.type],
                capture_output=True, text=True, check=False, env=alone,
            )  # fmt: skip
            said = (done.stdout if done.returncode == 0 else done.stderr).split("\n")
            last = next(
                (line for line in reversed(said) if "Error" in line), "it ends without a word"
            )
            seconds = float(done.stdout.split()[-1]) if done.returncode == 0 else None
            failed = {} if seconds is not None else {"fails": last.strip()}
            found.append({"processes": int(count), "s": seconds, **failed})
    return found


PARTS: Mapping[str, tuple[str, Part]] = {
    "Tests of parts on the device": ("Every family and likelihood.", suites),
    "Figures": ("Of the demo's models, relative to those of the CPU.", figures),
    "Time a pair": (
        "Nanoseconds; the floor is a float32 matmul at its best and one exp2. Flash attention is "
        "its log-sum-exp alone.",
        engine,
    ),
    "Memory": ("Of one pass with everything that it checks.", memory),
    "A whole evaluation": ("2 × 500 softplus units each way, 10 latents, one draw.", evaluation),
    "Two processes on one card": ("The queries of 60000 posteriors.", two_processes),
}


def sections(device: torch.device, small: bool, seconds: float) -> Iterator[str]:
    """Each part as Markdown, or why it is not there."""
    start = time.perf_counter()
    for heading, (note, part) in PARTS.items():
        if time.perf_counter() - start > seconds:
            yield f"## {heading}\n\nLeft out: it would have begun too late.\n"
            continue
        try:
            yield table(heading, note, part(device, small))
        except Exception as error:  # one part costs no other
            yield f"## {heading}\n\nFails: {reason_of(error)}\n"


def page(device: torch.device, small: bool, seconds: float = SECONDS) -> str:
    """The whole page."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    written = f"Written by `nox -s gpu`: torch {torch.__version__}, {name}."
    intro = f"---\norphan: true\n---\n\n# On a GPU\n\n{written}\n"
    return "\n".join([intro, *sections(device, small, seconds)])


@click.command()
@click.option("--device", default="cuda", help="As `genprobe evaluate --device`.")
@click.option("--small", is_flag=True, help="Sizes that only show that it runs.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("docs/gpu.md"))
def main(device: str, small: bool, out: Path) -> None:
    """Write what a GPU does."""
    try:
        place = choose_device(device)
    except genprobe.GenprobeError as error:
        raise click.ClickException(str(error)) from error
    out.write_text(page(place, small), encoding="utf-8")


if __name__ == "__main__":
    main()
