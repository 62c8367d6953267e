import subprocess
import sys
from importlib.metadata import version

import pytest

import genprobe


def test_every_public_name_resolves():
    missing = {name for name in genprobe.__all__ if getattr(genprobe, name, None) is None}
    assert missing == set()
    assert set(genprobe.__all__) <= set(dir(genprobe))


def test_every_lazy_name_is_public_and_is_what_its_module_calls_so():
    values = {name: getattr(genprobe, name) for name in genprobe.PLACES}
    found = {name: (value.__name__, value.__module__) for name, value in values.items()}
    assert found == {name: (name, f"genprobe.{place}") for name, place in genprobe.PLACES.items()}
    assert found.keys() <= set(genprobe.__all__)


def test_no_submodule_hides_the_function_of_its_name():
    import genprobe.comparing.compare
    import genprobe.runs.evaluate
    import genprobe.runs.train

    for name in ("evaluate", "compare", "train"):
        assert callable(getattr(genprobe, name))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'genprobe' has no attribute 'evalute'"):
        genprobe.evalute  # noqa: B018


def test_the_version_is_that_of_the_distribution():
    assert genprobe.__version__ == version("genprobe")


def test_importing_genprobe_imports_no_torch():
    code = "import sys, genprobe; print({'torch', 'h5py', 'numpy', 'rich'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
