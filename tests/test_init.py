import subprocess
import sys
from importlib.metadata import version

import pytest

import genprobe


@pytest.mark.parametrize("name", genprobe.__all__)
def test_every_public_name_resolves(name):
    assert getattr(genprobe, name) is not None
    assert name in dir(genprobe)


@pytest.mark.parametrize("name", sorted(genprobe.PLACES))
def test_every_lazy_name_is_public_and_is_what_its_module_calls_so(name):
    value = getattr(genprobe, name)
    assert name in genprobe.__all__
    assert value.__name__ == name
    assert value.__module__ == f"genprobe.{genprobe.PLACES[name]}"


def test_no_submodule_hides_the_function_of_its_name():
    import genprobe.comparing.comparison
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
