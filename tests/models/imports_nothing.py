"""A file that needs a package which is not installed."""

import a_package_that_nobody_has


def build():
    return a_package_that_nobody_has.build()
