"""A file that cannot be imported: it looks for settings that are not there."""

SETTINGS = {"size": 3}
UNITS = SETTINGS["units"]


def build():
    return UNITS
