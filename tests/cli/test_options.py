import os

import click
import pytest

from genprobe.cli import options
from genprobe.errors import GenprobeError


def test_a_new_file_and_an_old_one_in_a_folder_of_ours_may_be_written(tmp_path):
    old = tmp_path / "old.json"
    old.write_text("{}")
    options.require_writable(old)
    options.require_writable(tmp_path / "new.json")
    options.require_writable(None)
    assert not (tmp_path / "new.json").exists()


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(GenprobeError, match=r"no folder .*/missing to write r\.json in"):
        options.require_writable(tmp_path / "missing" / "r.json")


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path):
    with pytest.raises(GenprobeError, match="cannot be written"):
        options.require_writable(tmp_path)


@pytest.mark.parametrize("exists", [True, False])
def test_what_the_system_would_refuse_is_refused_beforehand(tmp_path, monkeypatch, exists):
    path = tmp_path / "r.json"
    if exists:
        path.write_text("{}")
    asked = []
    monkeypatch.setattr(os, "access", lambda place, mode: asked.append((place, mode)))
    with pytest.raises(GenprobeError, match=r"r\.json cannot be written"):
        options.require_writable(path)
    assert asked == [(path if exists else tmp_path, os.W_OK)]


@pytest.mark.parametrize("unit", ["nats", "bits", "bits/dim"])
def test_every_unit_of_the_renderers_can_be_asked_for(unit):
    from genprobe.render.text.units import UNITS

    choice = click.Command("c", params=options.unit(lambda: None).__click_params__).params[0].type
    assert unit in choice.choices
    assert tuple(choice.choices) == UNITS
