"""Shared by all tests: they run side by side, shapes are checked, and all start from one seed."""

import os
import sys
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

# Before torch is imported, which reads it once; every process that a test starts inherits it.
# The workers of pytest-xdist share the cores: threads of torch on top of them wait for each other.
os.environ["OMP_NUM_THREADS"] = "1"

# Before anything of genprobe is imported: every shape in an annotation is checked at each call.
install_import_hook(
    ["genprobe.aggregate", "genprobe.estimators", "genprobe.families", "genprobe.probes"],
    "beartype.beartype",
)

MOST_WORKERS = 8
"""Each takes seconds to import and collect everything: more would start for little work."""


@pytest.hookimpl(tryfirst=True)  # before that of pytest-xdist, which reads these options
def pytest_cmdline_main(config):
    """Run whole folders as with ``-n auto``; a named file or test, or ``-n0``, in this process."""
    option = config.option
    if hasattr(config, "workerinput") or not config.pluginmanager.hasplugin("xdist"):
        return
    if option.numprocesses is None and option.dist == "no" and whole_folders(config):
        option.numprocesses = "auto"
        option.maxprocesses = option.maxprocesses or MOST_WORKERS
    if option.numprocesses and option.dist == "no":
        option.dist = "worksteal"  # hands out neighbours, which share fixtures


def whole_folders(config):
    return all((config.invocation_params.dir / place).is_dir() for place in config.args)


@pytest.fixture(autouse=True)
def _seeded():
    import torch

    torch.manual_seed(0)


@pytest.fixture
def set_threads(monkeypatch):
    """Give torch so many threads, on as many CPUs, until the end of the test."""
    import torch

    before = torch.get_num_threads()

    def set_threads(count):
        torch.set_num_threads(count)
        monkeypatch.setattr("genprobe.runtime.outer_threads.available_cpus", lambda: count)

    yield set_threads
    torch.set_num_threads(before)


@pytest.fixture
def edit_store():
    """Change a store by hand, as its format lets anybody, and open it again."""
    import h5py
    from xxhash import xxh3_128_digest

    from genprobe.store.read import open_store
    from genprobe.store.sealed_file import MARK

    def edit_store(path, change):
        with h5py.File(path, "r+") as file:  # which cuts the seal off
            change(file)
        content = path.read_bytes()
        path.write_bytes(content + MARK + xxh3_128_digest(content))
        return open_store(path)

    return edit_store


@pytest.fixture(scope="session")
def data_dir():
    return folder_of("GENPROBE_DATA_DIR")


@pytest.fixture(scope="session")
def models_dir():
    return folder_of("GENPROBE_MODELS_DIR")


def folder_of(variable):
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set")
    return Path(value)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, whose modules are imported for one test alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def make_inference():
    """What a report says of inference, all of it unless changed: gaps of 1, and half a nat."""
    from genprobe.report import Estimate
    from genprobe.report.inference import CurvePoint, InferenceReport

    def estimate(name, value, kind="estimate", se=0.1):
        return Estimate(name=name, value=value, se=se, se_data=None, kind=kind, n=200)

    def point(beta, rate, distortion):
        return CurvePoint(
            beta=beta,
            rate=estimate("curve_rate", rate),
            distortion=estimate("curve_distortion", distortion),
            cost=estimate("curve_cost", rate + beta * distortion, "upper"),
        )

    def make(**changes):
        facts = {
            "n": 200,
            "prior": "standard-normal",
            "temperatures": 128,
            "chains": 16,
            "max_steps": 4096,
            "tolerance": 0.01,
            "reached": True,
            "evaluations": 10**6,
            "acceptance": 0.75,
            "least_acceptance": 0.5,
            "effective_sample_size": 0.9,
            "least_effective_sample_size": 0.4,
            "half_length": estimate("half_length_gain", 0.01, se=0.004),
            "steps_gain": {
                10: estimate("steps_gain", 0.05, "lower"),
                100: estimate("steps_gain", 5.0, "lower"),
            },
            "prior_chains": estimate("prior_chains_gain", -3.0),
            "simulated": estimate("simulated_gap", 0.2, "upper"),
            "curve": (point(0.5, 12.0, 75.0), point(1.0, 17.0, 66.0), point(2.0, 25.0, 60.0)),
        }
        return InferenceReport(**(facts | changes))

    make.estimate = estimate
    return make
