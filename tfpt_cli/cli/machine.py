"""What the machine has left."""

from __future__ import annotations


def free_memory() -> float | None:
    """The gigabytes of memory that can be had; None where the system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            for line in file:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) / 2**20
    except (OSError, ValueError, IndexError):
        pass
    return None
