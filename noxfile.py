"""The test matrix: ``nox`` runs what a pull request must pass, ``nox --list`` shows everything.

A session needs its Python on the path, as ``python3.12`` is. pyenv puts there the versions that
PYENV_VERSION names, separated by colons: ``PYENV_VERSION=3.13.0:3.12.1:3.11.7 nox -s tests``.
"""

import os
import re
import shutil
from pathlib import Path

import nox

nox.options.sessions = ["tests-3.11", "lint", "types", "docs"]
nox.options.error_on_missing_interpreters = False
nox.options.default_venv_backend = "venv"

PYTHONS = ["3.11", "3.12", "3.13"]
PLUGINS = sorted(path.parent.name for path in Path("plugins").glob("*/pyproject.toml"))
PLUGIN_KINDS = sorted(path.parent.name for path in Path("genprobe/scaffold").glob("*/*/part.py.j2"))
PINNED = ("-c", "constraints.txt")
TESTED = ("tests", "genprobe")
OF_TORCH = ("torch==", "sympy==", "networkx==", "triton==", "fsspec==")
OF_BENCHMARK = ("numpy==", "pandas==", "pydantic==", "pydantic_core==")
[OLDEST_TORCH] = re.findall(r'"torch>=([\d.]+)"', Path("pyproject.toml").read_text("utf-8"))


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The tests and the examples in docstrings, on every Python that is here."""
    session.install(*PINNED, ".[test]")
    session.run("pytest", *(session.posargs or TESTED))


@nox.session(python="3.11")
@nox.parametrize("torch", ["oldest", "newest"])
def tests_torch(session: nox.Session, torch: str) -> None:
    """The tests, on the oldest torch that pyproject.toml admits, and on the newest there is."""
    released = [f"torch=={OLDEST_TORCH}.*"] if torch == "oldest" else ["--upgrade", "torch"]
    session.install(*released)
    session.install("-c", str(pins_without(session, OF_TORCH)), ".[test]")
    session.run("pytest", *(session.posargs or TESTED))


def build_on_base(session: nox.Session) -> None:
    """Let the session find the packages of the environment that GENPROBE_BASE names, if any.

    A gigabyte of torch is then not unpacked again. What the session installs comes first, and
    nothing goes into the other environment.
    """
    base = os.environ.get("GENPROBE_BASE")
    if base is None:
        return
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    mine = session.run("python", "-c", ask, silent=True)
    theirs = session.run(f"{base}/bin/python", "-c", ask, silent=True, external=True)
    line = f"import site; site.addsitedir({str(theirs).strip()!r})\n"
    Path(str(mine).strip(), "base.pth").write_text(line, encoding="utf-8")


def pins_without(session: nox.Session, left_out: tuple[str, ...]) -> Path:
    """The constraints without those that something else pins, as a torch does or benchmark-mi."""
    pins = Path("constraints.txt").read_text(encoding="utf-8").splitlines(keepends=True)
    path = Path(session.create_tmp()) / "constraints.txt"
    path.write_text("".join(p for p in pins if not p.startswith(left_out)), encoding="utf-8")
    return path


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Style and formatting."""
    session.install(*PINNED, "ruff")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session(python="3.11")
def types(session: nox.Session) -> None:
    """Types, strictly."""
    build_on_base(session)
    session.install(*PINNED, "-e", ".[types]")
    session.run("python", "-m", "mypy")


@nox.session(python="3.11")
def docs(session: nox.Session) -> None:
    """The documentation, and the code of its pages; every warning is an error."""
    build_on_base(session)
    session.install(*PINNED, "-e", ".[docs]")
    shutil.rmtree("docs/api", ignore_errors=True)
    session.env["OMP_NUM_THREADS"] = "1"
    session.run(
        "python", "-m", "sphinx", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html"
    )


@nox.session(python="3.11")
def demo(session: nox.Session) -> None:
    """What a newcomer sees first."""
    session.install(*PINNED, ".")
    session.run("genprobe", "demo")


@nox.session(python="3.11")
def browser(session: nox.Session) -> None:
    """The HTML report in the Chromium of this machine; nothing is downloaded but the driver."""
    build_on_base(session)
    session.install(*PINNED, ".[test,browser]")
    session.run("pytest", "tests/browser", *session.posargs)


@nox.session(python="3.11")
@nox.parametrize("plugin", PLUGINS)
def plugins(session: nox.Session, plugin: str) -> None:
    """Each distribution under plugins/, alone with genprobe in a clean environment."""
    build_on_base(session)
    session.install(*PINNED, ".[test]", f"plugins/{plugin}[test]")
    session.run("python", "-P", "-m", "genprobe", "plugins")
    session.run("python", "-P", "-m", "pytest", "-c", "pyproject.toml", f"plugins/{plugin}")


@nox.session(python="3.11")
def downstream(session: nox.Session) -> None:
    """What a plugin author does: begin one of every kind, install it, run its tests."""
    session.install(*PINNED, ".[test]")
    folder = Path(session.create_tmp())
    for kind in PLUGIN_KINDS:
        plugin = folder / f"genprobe-my-{kind}"
        shutil.rmtree(plugin, ignore_errors=True)
        session.run("genprobe", "new-plugin", f"my-{kind}", "--kind", kind, "--into", str(folder))
        session.install(*PINNED, str(plugin))
        session.run("pytest", "-W", "error", str(plugin))
    session.run("genprobe", "plugins")


@nox.session(python="3.11")
def validation(session: nox.Session) -> None:
    """Coverage of every error, under three hours; resumes; writes docs/validation.md and .json."""
    session.install("-c", str(pins_without(session, OF_BENCHMARK)), ".[validation]")
    threads = {"OMP_NUM_THREADS": "1"}
    session.run("python", "-m", "validation", *session.posargs, env=threads)


@nox.session(python="3.11")
def fuzz(session: nox.Session) -> None:
    """Damaged files, kills and faults, under an hour; resumes; writes docs/reliability.md."""
    session.install(*PINNED, ".[test]")
    session.run("python", "-m", "fuzz", *session.posargs, env={"OMP_NUM_THREADS": "1"})


@nox.session(python="3.11")
def reproduction(session: nox.Session) -> None:
    """MNIST beside published numbers, about an hour; needs GENPROBE_DATA_DIR."""
    session.install(*PINNED, ".")
    session.run("python", "-m", "validation.reproduction", *session.posargs)


@nox.session(python="3.11")
def readme(session: nox.Session) -> None:
    """Put what the program prints into the README."""
    session.install(*PINNED, ".")
    session.run("python", "-m", "validation.readme", env={"PYTHONPATH": "."})


@nox.session(python="3.11")
def gallery(session: nox.Session) -> None:
    """Published models and their tables; needs GENPROBE_DATA_DIR and GENPROBE_MODELS_DIR."""
    session.install(*PINNED, ".")
    session.run("python", "-m", "validation.gallery", *session.posargs, env={"PYTHONPATH": "."})


@nox.session(python="3.11")
def bench(session: nox.Session) -> None:
    """Times against every other way and the machine's floor; writes docs/benchmarks.md."""
    session.install(*PINNED, ".", "pykeops", "pybind11")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session(python="3.11")
def gpu(session: nox.Session) -> None:
    """Where there is a GPU, in less than eight minutes; writes docs/gpu.md."""
    session.install("-c", str(pins_without(session, OF_TORCH)), ".[test]", "pykeops", "pybind11")
    session.run("python", "-m", "benchmarks.gpu", *session.posargs)
