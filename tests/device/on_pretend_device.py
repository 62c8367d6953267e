"""A plugin of pytest: the process has the pretend accelerator, and the suites try parts on it."""

import contextlib

import pretend_device

_open = contextlib.ExitStack()


def pytest_configure(config):
    pretend_device.install()
    _open.enter_context(pretend_device.patched())


def pytest_unconfigure(config):
    _open.close()
