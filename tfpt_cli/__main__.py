"""`python -m tfpt_cli` is `tfpt`."""

import os
import sys
from contextlib import suppress

with suppress(OSError):  # a folder that has gone
    # Python looks for modules in the working folder first, `tfpt` does not: a person's `numpy.py` is not the one meant.
    if sys.path[0] in ("", os.getcwd()) and not sys.flags.safe_path:
        del sys.path[0]

try:
    from tfpt_cli.cli.main import main
except KeyboardInterrupt:
    sys.exit(130)

if __name__ == "__main__":
    main()
