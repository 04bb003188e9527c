"""What `tfpt selfcheck --save` measured of every operation: how far each framework is from the reference, in ULP."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MEASURED = Path(__file__).with_name("measured.json")


def measured() -> dict[str, Any]:
    """What was measured of every operation when the dictionary was last examined as a whole, with the versions."""
    found: dict[str, Any] = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
    return found
