import pytest

OWN_PROCESS = "in_own_process"
collect_ignore = ["on_pretend_device.py"]
"""The plugin is imported by name, from this folder."""


def pytest_ignore_collect(collection_path, config):
    """What needs the pretend accelerator is run by test_own_process.py.

    torch must have it before the first gradient, so no process that ran other tests will do.
    """
    if OWN_PROCESS in collection_path.parts:
        return not config.pluginmanager.hasplugin("on_pretend_device") or None
    return None


@pytest.fixture(scope="session")
def pretend():
    """The module of the pretend accelerator, which this process has."""
    import pretend_device

    return pretend_device


@pytest.fixture
def device(pretend):
    return pretend.install()
