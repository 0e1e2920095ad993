"""How much memory this process may still take: of the machine, of its container, and of its own limits."""

import resource
from collections.abc import Iterator
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def free_memory(cgroups: Path = CGROUPS, membership: Path = MEMBERSHIP) -> int:
    """Bytes that this process may still take.

    The least of what the machine has available, what is left below the limits of the process's control
    groups (version 1 or 2; a container's limit is one), and what is left of `ulimit -v`. The file cache of a
    control group, which the kernel can drop, counts as free.

    Args:
        cgroups: Where control groups are mounted.
        membership: The file that names the groups of this process.
    """
    free = [psutil.virtual_memory().available, *_left_in_groups(cgroups, membership)]
    address_space, _ = resource.getrlimit(resource.RLIMIT_AS)
    if address_space != resource.RLIM_INFINITY:
        free.append(address_space - psutil.Process().memory_info().vms)
    return max(0, min(free))


def _left_in_groups(cgroups: Path, membership: Path) -> Iterator[int]:
    """Bytes left below each limit that is set."""
    for line in membership.read_text().splitlines() if membership.exists() else ():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            names, root = ("memory.max", "memory.current", "inactive_file"), cgroups
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            root = cgroups / "memory"
        else:
            continue
        # A container sees its own group as the root, and may be told a path that only its host has.
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            yield from _left(folder, *names)
            if folder == root:
                break


def _left(group: Path, limit_file: str, usage_file: str, cache_key: str) -> Iterator[int]:
    try:
        limit, usage = (group / limit_file).read_text().strip(), int((group / usage_file).read_text())
        statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return  # no such group here, or no controller of memory in it
    if limit != "max":
        yield int(limit) - usage + int(statistics.get(cache_key, 0))
