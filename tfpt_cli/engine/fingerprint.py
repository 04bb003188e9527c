"""What the result of a scenario depends on besides its text: tfpt itself, the packages, the machine, the environment.

Each is a short text, made without importing a framework, which is another one where anything of it has changed.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfpt_cli import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tfpt_cli.frameworks import Side

_PACKAGE = Path(__file__).resolve().parents[1]
# What of the environment can decide on a framework's numbers, its version, or on what is found where it is imported.
_VARIABLES = (
    *("TF_", "XLA_", "KERAS_", "TORCH", "PYTORCH_", "ATEN_", "ONEDNN_", "DNNL_", "MKL_", "OMP_", "KMP_", "GOMP_", "OPENBLAS_"),
    *("CUDA_", "HIP_", "ROCM_", "NVIDIA_", "PYTHON", "LD_", "DYLD_", "GLIBC_TUNABLES", "NPY_", "BLIS_", "VECLIB_", "TFPT_"),
)  # fmt: skip
# Packages whose own files decide on numbers, and which their developers edit where they are installed.
_EDITED = ("torch", "tensorflow", "keras", "tf_keras", "numpy")
# The endings of tfpt's own files that decide on a result.
_OWN = (".py", ".yaml", ".json")
# What of a processor's description says what it can do; the rest (its frequency now) changes from one run to the next.
_PROCESSOR = ("model name", "flags", "Features", "CPU implementer", "CPU part", "microcode")


@cache
def of_tfpt() -> str:
    """The code of tfpt itself, and its rows."""
    return _digest(__version__, *((os.path.relpath(file, _PACKAGE), Path(file).read_bytes()) for file in own_files()))


@cache
def of_machine() -> str:
    """The processor, how many of its cores may be used, and the system."""
    described: list[str] = []
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith(_PROCESSOR):
                    described.append(line)
                if not line.strip():
                    break  # of the first core
    except OSError:
        described = [platform.processor(), platform.machine()]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return _digest(platform.platform(), cores, *described)


def of_environment() -> str:
    """The variables of the environment that can decide on a result, and the settings of Keras."""
    return _digest(of_keras(), *sorted(item for item in os.environ.items() if item[0].startswith(_VARIABLES)))


def of_keras() -> str:
    """A person's own settings of Keras, which it reads where their own code may run; empty for none."""
    try:
        return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras", "keras.json").read_text("utf-8", "replace")
    except (OSError, RuntimeError, ValueError):  # of no home, a name that is none
        return ""


def of_packages(side: Side) -> str | None:
    """The distributions that a side's interpreter has, with their versions; None where that is not to be seen from here."""
    folders = _folders(side)
    if not folders:
        return None
    endings = (".dist-info", ".egg-info", ".egg-link", ".pth")
    installed = {folder: sorted(name for name in _names(folder) if name.endswith(endings)) for folder in folders}
    there = [(folder, names) for folder, names in installed.items() if names]
    return _digest(side.interpreter or sys.prefix, "" if side.interpreter else sys.version, there)


def of_files(side: Side) -> str | None:
    """When the files of a side's frameworks were last written; None where they are not to be seen from here.

    This sees what no version tells: an edit of a framework where it is installed. It takes about 80 ms.
    """
    files = framework_files(side)
    return of_stamps(files) if files else None


def framework_files(side: Side) -> list[str]:
    """The code of a side's frameworks, as far as it can be seen without starting its interpreter."""
    folders = _folders(side)
    found = (_origin(name, folders, own=not side.interpreter) for name in _EDITED)
    return sorted(file for folder in found if folder for file in _code_below(folder))


def own_files() -> list[str]:
    """The code and the rows of tfpt itself."""
    return sorted(str(path) for path in _PACKAGE.rglob("*") if path.suffix in _OWN)


def of_stamps(files: Iterable[str]) -> str:
    """Files with their sizes, and when they were last written."""
    found = []
    for file in files:
        try:
            status = os.stat(file)
        except OSError:
            found.append((file, 0, 0))
        else:
            found.append((file, status.st_size, status.st_mtime_ns))
    return _digest(*found)


def of_folder() -> str | None:
    """The folder where tfpt runs; None where it was removed."""
    try:
        return os.getcwd()
    except OSError:
        return None


def of_named(file: str) -> str | None:
    """A file that a scenario names: of weights what is in it, of Python that and its neighbours; None where it has more parts."""
    path = Path(file)
    try:
        if path.suffix == ".py":
            return _digest(*((each.name, each.read_bytes()) for each in sorted(path.parent.glob("*.py"))))
        if not path.is_file() or path.suffix == ".json":  # a folder, a prefix, an index of several files
            return None
        with path.open("rb") as content:
            import hashlib

            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError:
        return None


def _digest(*parts: Any) -> str:
    """A digest of anything whose `repr` says all of it."""
    return sha256(repr(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _folders(side: Side) -> list[str]:
    """The folders in which a side's interpreter looks for packages, as far as they can be told without starting it."""
    if not side.interpreter:
        return [os.path.abspath(folder) for folder in sys.path if os.path.isdir(folder or ".")]
    prefix = Path(side.interpreter).absolute().parent.parent
    try:
        settings = (prefix / "pyvenv.cfg").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []  # no virtual environment: its packages may be anywhere
    alone = not any(line.split() == ["include-system-site-packages", "=", "true"] for line in settings.splitlines())
    found = [str(folder) for folder in sorted(prefix.glob("lib*/python*/site-packages"))]
    elsewhere = any(name.endswith(".pth") for folder in found for name in _names(folder) if "distutils" not in name)
    return found if alone and not elsewhere else []


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _origin(name: str, folders: Iterable[str], *, own: bool) -> str:
    """The folder of a package; empty where it is not installed."""
    if own:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return ""
        return os.path.dirname(spec.origin) if spec is not None and spec.origin else ""
    return next((os.path.join(f, name) for f in folders if os.path.isdir(os.path.join(f, name))), "")


def _code_below(folder: str) -> Iterator[str]:
    waiting = [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    elif entry.name.endswith((".py", ".so", ".pyd", ".dylib")):
                        yield entry.path
        except OSError:
            continue
