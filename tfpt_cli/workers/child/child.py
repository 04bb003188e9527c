"""The child: runs listings in one framework and sends back what they leave.

    python child.py torch|tensorflow|reference

Standard library, NumPy and the framework alone, for any Python from 3.9 on. The framework is imported when the parent
asks for it, so that a run in which no scenario is valid starts none.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import importlib
import importlib.util
import linecache
import os
import platform
import signal
import sys
import traceback
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))
if HERE not in sys.path:  # where PYTHONSAFEPATH or -P keeps it out
    sys.path.insert(0, HERE)

import protocol  # noqa: E402
import traces  # noqa: E402

MAX_MESSAGE = 2000
# Weights of so many bytes are of a model beside which the one before must not stay until Python looks for circles.
MANY = 1 << 26
# So many models may be kept for listings that go on with them.
MOST_KEPT = 64


class Channel:
    """The parent's ends of this process's standard input and output, kept where a listing cannot reach them.

    What listings and frameworks print goes to standard error, which the parent keeps for its failure messages.
    """

    def __init__(self) -> None:
        self.source = os.fdopen(os.dup(0), "rb")
        self.target = os.fdopen(os.dup(1), "wb")
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(2, 1)
        sys.stdin = open(os.devnull)  # noqa: SIM115
        sys.stdout = sys.stderr

    def receive(self) -> dict[str, Any] | None:
        """The parent's next request, None when it has gone."""
        prefix = self.source.read(protocol.PREFIX.size)
        if len(prefix) < protocol.PREFIX.size:
            return None
        request: dict[str, Any] = protocol.header(self.source.read(protocol.header_length(prefix)))
        request["blobs"] = [self.blob(size) for size in request["blobs"]]
        return request

    def blob(self, size: int) -> bytearray:
        """The next bytes of a request, into which a listing may write; fewer where the parent has gone."""
        held = bytearray(size)
        del held[self.source.readinto(held) :]
        return held

    def send(self, header: dict[str, Any], blobs: list[Any] | tuple[()] = ()) -> None:
        for piece in protocol.frame(header, blobs):
            self.target.write(piece)
        self.target.flush()


def die_with_parent() -> None:
    """A child that hangs must not outlive a parent that was killed (Linux; elsewhere the closed pipe ends it)."""
    if platform.system() == "Linux":
        try:
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        except (OSError, AttributeError):
            pass


def limit_memory(gigabytes: float) -> None:
    """Lets private memory grow by this much from now on; further allocations fail instead of filling the machine.

    A crash leaves no core file either: it would hold all that memory, and lie in the folder where tfpt was started.
    """
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with open("/proc/self/status") as status:
            used = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData:"))
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (used + int(gigabytes * 2**30), hard))
    except (ImportError, OSError, ValueError, StopIteration):
        pass  # no such limit on this system: the time limit remains


def message_of(error: BaseException) -> str:
    """What the framework said: the type and text of an exception, cut to a readable length."""
    text: str = traces.said(error)
    return text if len(text) <= MAX_MESSAGE else text[:MAX_MESSAGE] + " ..."


def missing(error: Exception) -> str:
    """The package that is not installed, where that is why an import failed; empty where one is there and broken."""
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    package = (name or "").partition(".")[0]
    try:
        return package if package and importlib.util.find_spec(package) is None else ""
    except (ImportError, ValueError):  # half imported, by what raised
        return ""


def run(side: Any, request: dict[str, Any], channel: Channel, folder: str = "") -> None:
    """Runs the sections of a listing one after another, and sends what they leave; large arrays as files in a folder.

    What is there is sent before the next section runs: whatever becomes of that one, it is not lost. The last part says `done`.
    """
    import numpy as np

    side.reset()
    path, modules = list(sys.path), set(sys.modules)
    register(request)
    namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
    make_room(request["task"])
    namespace.update(_variables.get((request["task"], request["resumes"]), (0, {}))[1])
    give(request, namespace, np, folder)
    size = sum(array.nbytes for array in _kept.values())
    if size >= MANY:
        gc.collect()  # the model of the listing before, which holds itself in a circle
    values: list[Any] = []
    failures: list[Any] = []
    blobs: list[Any] = []
    broken: dict[str, dict[str, Any]] = {}  # by group, the failure after which nothing else of it can run

    def send(done: bool) -> None:
        channel.send({"id": request["id"], "values": values, "failures": failures, "done": done}, blobs)
        for sent in (values, failures, blobs):
            sent.clear()

    for section in request["sections"]:
        keys = [leaf[:2] for leaf in section["leaves"]]
        after = next((broken[g] for g in ("", section["group"], *section["after"]) if g in broken), None)
        if after is not None:
            failures.append(dict(after, keys=keys))
            continue
        if section["needs"]:
            lack = side.lacks(section["needs"])
            if lack:
                values += [{"quantity": q, "how": how, "state": "skipped", "reason": lack} for q, how in keys]
                continue
        if values or failures:
            send(done=False)
        try:
            execute(section, namespace, request["name"])
            left = [leave(side, namespace, leaf, np, folder) for leaf in section["leaves"]]
            if section["keeps"] and request["task"]:
                _variables[request["task"], section["keeps"]] = size, dict(namespace)
        except (Exception, SystemExit) as error:
            failure = {
                "message": message_of(error),
                "line": line_of(error, request["name"]),
                "where": traces.raised_at(error) or None,
            }
            failures.append(dict(failure, keys=keys))
            if section["required"]:
                broken[section["group"]] = failure
            continue
        for value, blob in left:
            values.append(value)
            if blob is not None:
                blobs.append(blob)
    forget_modules(path, modules)
    send(done=True)


# What sections have kept, by task and name: the bytes of the weights, and the variables.
_variables: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}


def make_room(task: str) -> None:
    """Lets go what was kept longest, as far as it is too much; of the task that goes on all stays."""
    for key in list(_variables):
        if len(_variables) <= MOST_KEPT and sum(size for size, _ in _variables.values()) < MANY:
            return
        if key[0] != task:
            del _variables[key]


# The arrays in dicts of the last request, by name: the parent does not send one again that the next request has too.
_kept: dict[str, Any] = {}


def give(request: dict[str, Any], namespace: dict[str, Any], np: Any, folder: str) -> None:
    """Puts the arrays of a request under their names; those in a dict (`weights/conv.bias`) are kept, and not to be changed."""
    blobs = iter(request["blobs"])
    kept = {}
    for array in request.get("arrays", ()):
        group, slash, key = array["name"].partition("/")
        if array.get("kept"):
            given = _kept[array["name"]]
        elif array.get("file"):
            held = protocol.mapped(folder, array["file"], array["size"])
            lies = {"offset": array.get("offset", 0), "strides": array.get("strides")}
            given = np.ndarray(array["shape"], np.dtype(array["stored"]), held, **lies)
        else:
            given = np.frombuffer(next(blobs), dtype=np.dtype(array["stored"])).reshape(array["shape"])
        if slash:
            given.flags.writeable = False
            kept[array["name"]] = given
        holder = namespace.setdefault(group, {}) if slash else namespace
        holder[key or group] = given
    _kept.clear()
    _kept.update(kept)


def forget_modules(path: list[str], modules: set[str]) -> None:
    """Takes back what a listing added to the path, and the modules found there: the next one may mean others by a name.

    `path` and `modules` are what was there before it. TensorFlow has thousands of modules, which it would take long to ask each.
    """
    added = tuple(os.path.join(folder, "") for folder in sys.path if folder not in path)
    sys.path[:] = path
    if added:
        for name in set(sys.modules) - modules:
            if str(getattr(sys.modules[name], "__file__", None) or "").startswith(added):
                del sys.modules[name]


def register(request: dict[str, Any]) -> None:
    """Makes the script known as a file's text, so that a traceback shows a line and AutoGraph can read a function."""
    lines: list[str] = []
    for section in request["sections"]:
        lines += [""] * (section["line"] - 1 - len(lines))
        lines += section["source"].split("\n")
    text = [line + "\n" for line in lines]
    linecache.cache[request["name"]] = (sum(map(len, text)), None, text, request["name"])


def execute(section: dict[str, Any], namespace: dict[str, Any], name: str) -> None:
    """Runs one section under the script's own line numbers."""
    # Code that defines a function is compiled anew each time: torch.compile and AutoGraph remember by code object.
    compiled = compiled_anew if "def " in section["source"] and not name.startswith("<reference") else compiled_once
    exec(compiled(section["source"], section["line"], name), namespace)


def compiled_anew(source: str, line: int, name: str) -> Any:
    """A section's code, its first line numbered as in the script."""
    return compile("\n" * (line - 1) + source, name, "exec")


compiled_once = functools.lru_cache(maxsize=512)(compiled_anew)


def leave(side: Any, namespace: dict[str, Any], leaf: list[str], np: Any, folder: str) -> tuple[dict[str, Any], Any]:
    """One quantity: its description, and its bytes (None for a value of None, and for one that is left as a file)."""
    quantity, how, expression = leaf
    value = eval(expression, namespace)
    described: dict[str, Any] = {"quantity": quantity, "how": how}
    if value is None:
        return dict(described, state="disconnected"), None
    array, dtype = side.array(value)
    if array.dtype.kind not in "fiubc":
        raise TypeError("{} is a {}, not an array of numbers".format(quantity, type(value).__name__))
    if array.nbytes > protocol.MAX_ARRAY:
        raise MemoryError(
            "{} has {:,} bytes; at most {:,} are compared".format(quantity, array.nbytes, protocol.MAX_ARRAY)
        )
    described.update(state="present", dtype=dtype, stored=array.dtype.str, shape=list(array.shape))
    if folder and array.nbytes >= protocol.LARGE:
        name = protocol.put(folder, np.asarray(array, order="C").reshape(-1).view(np.uint8))
        if name:
            return dict(described, file=name), None
    # A copy: the array may be the tensor's own memory, which a later section changes before the answer is sent.
    array = np.array(array, order="C", copy=True)
    return described, array.reshape(-1).view(np.uint8) if array.size else np.empty(0, np.uint8)


def line_of(error: BaseException, name: str) -> int | None:
    """The line of the script at which an exception was raised, None where it is not in the script."""
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == name]
    return lines[-1] if lines else None


def functions_of(side: Any) -> dict[str, Any]:
    """The functions of each of a side's namespaces by name, with their other names; a text for one that cannot be read."""
    found: dict[str, Any] = {}
    for namespace, read in side.NAMESPACES.items():
        try:
            found[namespace] = read() if read is not None else functions_of_module(namespace)
        except Exception as error:
            found[namespace] = message_of(error)
    return found


def functions_of_module(module: str) -> dict[str, list[str]]:
    """The public functions of a module: its classes, its modules and what it has of `typing` are none."""
    members = sorted(vars(importlib.import_module(module)).items())
    return {
        name: []
        for name, value in members
        if callable(value)
        and not name.startswith("_")
        and not isinstance(value, (type, type(sys)))
        and getattr(value, "__module__", None) != "typing"
    }


def main() -> None:
    channel = Channel()
    die_with_parent()
    framework = sys.argv[1]
    channel.send({"hello": protocol.VERSION, "python": platform.python_version()})
    try:
        import numpy  # noqa: F401 - while the parent still reads its files
    except Exception:  # what is wrong with it is said when the framework is asked for
        sys.modules.pop("numpy", None)
    side, folder = None, ""
    while True:
        request = channel.receive()
        if request is None:
            return
        if "load" in request:
            try:
                side = importlib.import_module(framework + "_side")
                versions = side.load()
            except Exception as error:
                channel.send({"failed": message_of(error), "missing": missing(error)})
                continue
            if request.get("memory"):
                limit_memory(request["memory"])
            # In a container, say, the parent's folder is not there.
            folder = request.get("folder", "") if os.path.isdir(request.get("folder", "")) else ""
            channel.send({"loaded": versions, "files": bool(folder)})
            continue
        if "weights" in request:
            import weight_files  # not above: few runs read one

            if request.get("memory"):
                limit_memory(request["memory"])
            channel.send(dict(weight_files.answer(request), id=request["id"]))
            continue
        if "functions" in request:
            channel.send({"functions": functions_of(side)})
            continue
        run(side, request, channel, folder)


if __name__ == "__main__":
    main()
