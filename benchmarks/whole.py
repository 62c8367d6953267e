"""Whole runs: what a user waits for, and how much memory it takes."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

import genprobe
from benchmarks.clock import in_turn
from benchmarks.kernel import floor
from genprobe.aggregate.queries import draw_queries
from genprobe.families.diagonal_normal import diagonal_normal
from genprobe.store.report_cache import SUFFIX

RUN = """
import json, time
import numpy, torch, genprobe
from genprobe.estimators.marginal_kl import marginal_kl
from genprobe.estimators.mutual_information import mutual_information
x = numpy.load({data!r}, mmap_mode="r")
k = x.shape[1] // 2
model = genprobe.Model(
    name="given", posterior="diagonal-normal", prior="standard-normal",
    encode=lambda x: {{"loc": x[:, :k], "scale": x[:, k:]}},
)
start = time.perf_counter()
report = genprobe.evaluate(
    model, {data!r}, store={store!r}, tolerance={tolerance},
    estimators={{"mutual_information": mutual_information, "marginal_kl": marginal_kl}},
)
encoded = time.perf_counter() - start
start = time.perf_counter()
report = genprobe.evaluate(
    model, {data!r}, store={store!r}, tolerance={tolerance},
    estimators={{"mutual_information": mutual_information, "marginal_kl": marginal_kl}},
)
print(json.dumps({{
    "encode": encoded, "estimate": time.perf_counter() - start,
    "se": report["mutual_information"].se, "queries": report.provenance["queries"],
    "rss": int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) / 1024 ** 2,
}}))
"""


def posterior_file(folder: str, n: int, k: int) -> Path:
    """A file of means and scales of codes that overlap enough to be worth a query, (n, 2k)."""
    import numpy as np

    path = Path(folder) / "posteriors.npy"
    out = np.lib.format.open_memmap(path, "w+", "float32", (n, 2 * k))
    generator = np.random.default_rng(0)
    for low in range(0, n, 65_536):
        rows = min(65_536, n - low)
        out[low : low + rows, :k] = 0.44 * generator.standard_normal((rows, k))
        out[low : low + rows, k:] = 0.9 * np.exp(0.05 * generator.standard_normal((rows, k)))
    out.flush()
    return path


def information(sizes: tuple[tuple[int, int, float], ...]) -> Iterator[dict[str, object]]:
    """Time and memory until I(n;z) has the error asked for, in a process of its own."""
    for n, k, tolerance in sizes:
        with tempfile.TemporaryDirectory() as folder:
            data = posterior_file(folder, n, k)
            code = RUN.format(data=str(data), store=folder + "/s.h5", tolerance=tolerance)
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr)
        found = json.loads(done.stdout)
        yield {
            "N": n,
            "D": k,
            "± asked": tolerance,
            "± reached": found["se"],
            "queries": found["queries"],
            "encode and all s": found["encode"],
            "estimate s": found["estimate"],
            "in floors": found["estimate"] / (floor(k) * 1e-9 * n * found["queries"]),
            "peak GiB": found["rss"],
        }


def against_bare_loop(n: int, device: str = "cpu") -> dict[str, object]:
    """`evaluate` against encoding and decoding in a loop, and the aggregate alone."""
    torch.manual_seed(0)
    wide = lambda i, o: torch.nn.Sequential(  # noqa: E731
        torch.nn.Linear(i, 500), torch.nn.Softplus(), torch.nn.Linear(500, 500),
        torch.nn.Softplus(), torch.nn.Linear(500, o),
    )  # fmt: skip
    module = torch.nn.ModuleDict({"encoder": wide(784, 20), "decoder": wide(10, 784)})
    module.to(device)
    x = (torch.rand(n, 784) < 0.2).float()

    def encode(x: torch.Tensor) -> dict[str, torch.Tensor]:
        loc, log_scale = module["encoder"](x).chunk(2, 1)
        return {"loc": loc, "scale": (log_scale / 2).exp()}

    model = genprobe.Model(
        name="m",
        encode=encode,
        decode=lambda z: {"logits": module["decoder"](z)},
        module=module,
        posterior="diagonal-normal",
        prior="standard-normal",
        likelihood="bernoulli",
    )

    def loop() -> None:
        with torch.inference_mode():
            for some in x.split(1024):
                rows = some.to(device)
                q = torch.distributions.Normal(*encode(rows).values())
                z = q.sample()
                p = torch.distributions.Bernoulli(logits=module["decoder"](z))
                p.log_prob(rows).sum(1).cpu()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.h5"
        genprobe.evaluate(model, x, store=path, device=device)
        store = genprobe.open_store(path)
        seconds = in_turn(
            {
                "loop": loop,
                "aggregate": lambda: draw_queries(
                    store,
                    diagonal_normal,
                    lambda queries: 0.0,
                    tolerance=0.01,
                    device=torch.device(device),
                ),
                "rate, distortion, I and KL": lambda: genprobe.evaluate(
                    model, x, estimators=core_estimators(), device=device
                ),
                "everything": lambda: genprobe.evaluate(model, x, device=device),
            }
        )
    bare = seconds["loop"] + seconds["aggregate"]
    return (
        {"images": n}
        | {f"{name} s": value for name, value in seconds.items()}
        | {
            "core / (loop + aggregate)": seconds["rate, distortion, I and KL"] / bare,
            "everything / (loop + aggregate)": seconds["everything"] / bare,
        }
    )


def core_estimators() -> dict[str, object]:
    """The four numbers that the surgery is about."""
    from genprobe.plugins import plugins

    every = plugins().all("estimators")
    return {
        name: every[name] for name in ("rate", "distortion", "mutual_information", "marginal_kl")
    }


def cold_start() -> dict[str, object]:
    """Seconds of whole commands on 200 examples, of importing torch, and what two of them import.

    `genprobe show` is of a store with its report.
    """
    bundle = Path(genprobe.__file__).parent / "demo" / "beta-0.9.pt"
    run = [sys.executable, "-m", "genprobe"]
    few = genprobe.open_dataset("digits").read(0, 200)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "few.pt"
        torch.save(few, data)
        evaluate = [*run, "evaluate", str(bundle), "--data", str(data)]
        show = [*run, "show", f"{folder}/s.h5"]
        subprocess.run([*evaluate, "--store", show[-1]], **quiet)
        works = {
            "import torch": [sys.executable, "-c", "import torch"],
            "genprobe --help": [*run, "--help"],
            "genprobe show": show,
            "genprobe evaluate": evaluate,
        }
        seconds = in_turn(
            {name: partial(subprocess.run, work, **quiet) for name, work in works.items()}, 5
        )
        imports = {"--help": imports_of([*run, "--help"]), "show": imports_of(show)}
    return {f"{name} s": value for name, value in seconds.items()} | {
        f"imports of {name} ms": value for name, value in imports.items()
    }


def comparing(count: int = 200) -> dict[str, object]:
    """Seconds of `genprobe compare` for as many stores of the digits, first without their reports.

    The models are those of the demo, with locations that are spread a little more in each.
    """
    demo = Path(genprobe.__file__).parent / "demo"
    bundles = [demo / f"beta-{beta}.pt" for beta in ("6", "3.3", "0.9", "0.05")]
    seconds: dict[str, object] = {"stores": count}
    with tempfile.TemporaryDirectory() as folder:
        paths = [f"{folder}/{i}.h5" for i in range(count)]
        for i, path in enumerate(paths):
            model = genprobe.load(bundles[i % len(bundles)])
            spread = replace(model, name=str(i), encode=partial(spread_out, model.encode, i))
            genprobe.evaluate(spread, "digits", binarize=None, store=path, estimators=[])
            Path(path + SUFFIX).unlink()  # of no estimate, and it would stay
        compare = [sys.executable, "-m", "genprobe", "compare", "--jobs", "2", *paths]
        for name in ("without reports s", "with reports s"):
            start = time.perf_counter()
            subprocess.run(
                compare, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True
            )
            seconds[name] = time.perf_counter() - start
    return seconds


def spread_out(
    encode: Callable[[torch.Tensor], Mapping[str, torch.Tensor]], i: int, x: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Posteriors whose locations are a few thousandths farther apart."""
    params = encode(x)
    return {"loc": params["loc"] * (1 + 1e-3 * (i // 4)), "scale": params["scale"]}


def imports_of(command: list[str]) -> float:
    """Milliseconds that a command spends on imports besides Python's own, the median of five."""
    own = import_times([command[0], "-c", "pass"]).keys()
    runs = [import_times(command) for _ in range(5)]
    return statistics.median(sum(t for name, t in r.items() if name not in own) for r in runs)


def import_times(command: list[str]) -> dict[str, float]:
    """What importing each module takes without those that it imports, in milliseconds."""
    timed = [command[0], "-X", "importtime", *command[1:]]
    said = subprocess.run(timed, capture_output=True, text=True, check=True).stderr
    rows = [line[len("import time:") :].split("|") for line in said.splitlines() if "|" in line]
    return {name.strip(): int(own) / 1000 for own, _, name in rows[1:]}


def ranks(n: int = 60_000, k: int = 64) -> dict[str, object]:
    """The aggregate on two processes of one thread each against one of one thread."""
    script = Path(__file__).with_name("one_rank.py")
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]
    found: dict[str, float] = {"1": float("inf"), "2": float("inf")}
    with tempfile.TemporaryDirectory() as folder:
        data = posterior_file(folder, n, k)
        for _ in range(3):
            for count in found:
                done = subprocess.run(
                    [*launch, count, str(script), str(data), f"{folder}/{count}.h5"],
                    capture_output=True, text=True, env=alone,
                )  # fmt: skip
                if done.returncode:
                    raise RuntimeError(done.stderr)
                found[count] = min(found[count], float(done.stdout.split()[-1]))
    return {
        "one rank s": found["1"],
        "two ranks s": found["2"],
        "speed-up": found["1"] / found["2"],
    }
