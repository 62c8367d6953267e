"""How many CPUs this process may use, which is often fewer than the machine has.

A batch system binds a process to some CPUs, and a container gives it a quota of their time. More
threads than that wait for each other.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

GROUPS = Path("/proc/self/cgroup")
MOUNT = Path("/sys/fs/cgroup")


def available_cpus() -> int:
    """CPUs that this process is bound to, no more than whole ones in its quota; at least one.

    >>> available_cpus() >= 1
    True
    """
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(bound or 1, *map(math.floor, quotas()), os.cpu_count() or 1))


def quotas() -> Iterator[float]:
    """CPUs that each control group allows which this process is in, or which holds that one.

    Of both versions of control groups. A container may see its group as the root of all.
    """
    for folder in control_groups():
        for group in (folder, *folder.parents):
            if not group.is_relative_to(MOUNT):
                break
            found = quota(group)
            if found is not None:
                yield found


def control_groups() -> Iterator[Path]:
    """Folders of the groups that may limit the CPUs of this process."""
    try:
        lines = GROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        inside = PurePosixPath(path).relative_to("/")
        if not controllers:
            yield MOUNT / inside
        elif "cpu" in controllers.split(","):
            yield MOUNT / "cpu" / inside
            yield MOUNT / controllers / inside


def quota(group: Path) -> float | None:
    """CPUs that one control group allows; None if it sets no limit, or is not to be seen."""
    try:
        if (group / "cpu.max").exists():
            most, period = (group / "cpu.max").read_text(encoding="utf-8").split()
            return None if most == "max" else int(most) / int(period)
        allowed = int((group / "cpu.cfs_quota_us").read_text(encoding="utf-8"))
        period = (group / "cpu.cfs_period_us").read_text(encoding="utf-8")
        return allowed / int(period) if allowed > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None
