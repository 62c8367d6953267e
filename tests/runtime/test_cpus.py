import os

import pytest

from genprobe.runtime import cpus
from genprobe.runtime.cpus import available_cpus


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A machine of 64 CPUs, whose control groups are made by hand."""
    monkeypatch.setattr(cpus, "GROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(cpus, "MOUNT", tmp_path / "fs")
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)

    def write(lines, **files):
        (tmp_path / "cgroup").write_text(lines)
        for path, text in files.items():
            place = tmp_path / "fs" / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)

    return write


def test_without_limits_it_is_every_cpu(system):
    assert available_cpus() == 64
    system("0::/user.slice\n", **{"user.slice/cpu.max": "max 100000\n"})
    assert available_cpus() == 64


def test_it_is_no_more_than_the_process_is_bound_to(system, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5}, raising=False)
    assert available_cpus() == 2


@pytest.mark.parametrize(("text", "count"), [("250000 100000", 2), ("50000 100000", 1)])
def test_a_quota_counts_by_whole_cpus(system, text, count):
    system("0::/a/b\n", **{"a/b/cpu.max": text})
    assert available_cpus() == count


def test_the_quota_of_a_group_holds_for_those_inside(system):
    system("0::/a/b\n", **{"a/b/cpu.max": "max 100000", "a/cpu.max": "300000 100000"})
    assert available_cpus() == 3


def test_a_container_sees_its_own_group_as_the_root(system):
    system("0::/docker/abc\n", **{"cpu.max": "400000 100000"})
    assert available_cpus() == 4


@pytest.mark.parametrize("folder", ["cpu", "cpu,cpuacct"])
def test_groups_of_the_first_version_count_too(system, folder):
    quota = {"cpu.cfs_quota_us": "500000\n", "cpu.cfs_period_us": "100000\n"}
    system("4:cpu,cpuacct:/job\n", **{f"{folder}/job/{k}": v for k, v in quota.items()})
    assert available_cpus() == 5


@pytest.mark.parametrize("quota", ["-1", "x", ""])
def test_what_is_no_limit_is_none(system, quota):
    files = {"cpu/cpu.cfs_quota_us": quota, "cpu/cpu.cfs_period_us": "100000"}
    system("4:cpu:/\n", **files)
    assert available_cpus() == 64
