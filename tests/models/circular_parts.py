"""The other half of a circle."""

from circular import build


def part():
    return build()
