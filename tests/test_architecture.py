"""Architecture: which room may import which, read from the imports themselves.

The arrows are those of ``specs/devenv-architecture.md``: tasks, cli → checks, doctor, testing →
containers, setup → images, volumes → engine, host, loopback → the pure half.
"""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from types import ModuleType

import pytest

import devenv_lib

ROOT = Path(devenv_lib.__file__).parent
#: Rooms, the highest first. A room imports itself and what is below it, never beside or above.
FLOORS = (
    {"cli", "pytest_plugin"},
    {"tasks"},
    {"checks", "doctor", "testing"},
    {"containers", "setup"},
    {"images", "volumes"},
    {"engine", "host", "loopback"},
    {"below", "cache", "scratch", "scripts", "terminal"},
    {
        *("plans", "mounts", "project", "settings", "volume_settings", "readers", "records"),
        *("names", "errors", "texts"),
    },
    {"lazily"},
)
PURE = FLOORS[-2]
#: What the tasks speak through, beside all floors, and how the commands in it are called.
REPORT, CALLED = "report", "called"
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

#: Modules that reach the environment, files, the clock, programs or the network.
IMPURE = {
    *("asyncio", "concurrent", "ctypes", "datetime", "fcntl", "getpass", "glob", "http", "locale"),
    *("logging", "multiprocessing", "os", "platform", "pwd", "grp", "random", "secrets", "select"),
    *("shutil", "signal", "socket", "socketserver", "ssl", "subprocess", "sys", "tempfile"),
    *("threading", "time", "urllib", "uuid", "importlib", "fileinput", "tarfile", "sqlite3"),
    *("docker", "invoke", "requests", "urllib3", "tabulate", "pytest"),
}
HTTP = {"docker", "requests", "urllib3"}

Import = tuple[str, str]


def name_of(path: Path) -> str:
    """Return a module's dotted name."""
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(ROOT.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(), str(path)) for name, path in MODULES.items()}


def room_of(module: str) -> str:
    """Return the room of a module: the first name below ``devenv_lib``, empty for the top."""
    return module.partition(".")[2].partition(".")[0]


def imports(name: str) -> Iterator[str]:
    """Yield the modules that a module imports anywhere, also for types alone or in a function."""
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} imports by a relative path"
            base = node.module or ""
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if full in MODULES else base


def own(name: str) -> set[str]:
    """Return the modules of this library that a module imports."""
    return {found for found in imports(name) if found in MODULES}


def outside(name: str) -> set[str]:
    """Return the top-level packages of others that a module imports."""
    return {found.partition(".")[0] for found in imports(name)} - {"devenv_lib"}


def rooms(*named: str) -> list[str]:
    """Return the modules of some rooms."""
    return [module for module in MODULES if room_of(module) in named]


def test_every_room_has_its_place() -> None:
    """A new room is put on a floor before it is used."""
    assert {room_of(name) for name in MODULES} - {""} <= {*FLOOR, REPORT, CALLED}


@pytest.mark.parametrize("name", rooms(*FLOOR))
def test_no_arrow_points_up_or_sideways(name: str) -> None:
    """A room imports itself and the floors below it."""
    here = room_of(name)
    wrong = {
        module
        for module in own(name)
        if room_of(module) not in (here, REPORT, CALLED)
        and FLOOR.get(room_of(module), -1) <= FLOOR[here]
        and not {here, room_of(module)} <= PURE
    }

    assert wrong == set()


def test_only_the_tasks_report() -> None:
    """The library returns records; who prints them is somebody else's choice."""
    for room in (REPORT, CALLED):
        speaking = {room_of(name) for name in MODULES if f"devenv_lib.{room}" in own(name)}
        assert speaking - {REPORT} == {"tasks", "cli"}


def test_the_report_knows_nothing_but_errors_and_texts() -> None:
    known = {room_of(module) for module in own(f"devenv_lib.{REPORT}")}
    assert known == {"errors", "texts", CALLED}
    assert own(f"devenv_lib.{CALLED}") == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    """But for the packages' own lists of names."""
    graph = {name: own(name) - {name} for name in MODULES if name != "devenv_lib"}

    assert set(graph) <= set(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("name", rooms(*PURE))
def test_the_pure_half_imports_nothing_that_reaches_outside(name: str) -> None:
    """Facts come in as arguments."""
    assert outside(name) & IMPURE == set()


@pytest.mark.parametrize("name", rooms(*PURE))
def test_the_pure_half_knows_paths_only_as_text(name: str) -> None:
    """``PurePosixPath`` looks at no disk; ``Path`` does."""
    named = {
        alias.name
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.ImportFrom) and node.module == "pathlib"
        for alias in node.names
    }

    assert named <= {"PurePosixPath"}
    assert not [
        node
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.Import) and "pathlib" in [alias.name for alias in node.names]
    ]


@pytest.mark.parametrize("name", rooms(*PURE))
def test_the_pure_half_opens_and_asks_nothing(name: str) -> None:
    called = {
        node.func.id
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }

    assert called & {"open", "input", "print", "__import__", "exec", "eval"} == set()


def test_only_the_engines_room_knows_docker_and_http() -> None:
    """One seam to the outside."""
    assert {room_of(name) for name in MODULES if outside(name) & HTTP} == {"engine"}


def test_only_the_tasks_know_invoke() -> None:
    """Other people's code uses the library without it."""
    assert {room_of(name) for name in MODULES if "invoke" in outside(name)} <= {"tasks", "cli"}


def test_only_the_engines_room_setup_and_checks_start_programs() -> None:
    """The docker program, what setup installs with, and pytest."""
    starting = {name for name in MODULES if "subprocess" in outside(name)}

    assert starting == {
        *(f"devenv_lib.engine.{name}" for name in ("helper", "pausing", "program", "session")),
        "devenv_lib.checks.run",
        *(starting & set(rooms("setup"))),
    }


def test_no_program_is_started_behind_subprocess_back() -> None:
    """Neither ``os.system`` nor its like."""
    starting = {"system", "popen", "fork", "forkpty", "posix_spawn"}
    attributes = {
        f"{name}: os.{node.attr}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
        and (node.attr in starting or node.attr.startswith(("exec", "spawn")))
    }

    assert attributes == set()


def is_stream(node: ast.AST) -> bool:
    """Whether an expression is ``sys.stdout`` or ``sys.stderr``."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr in ("stdout", "stderr", "__stdout__", "__stderr__")
        and isinstance(node.value, ast.Name)
        and node.value.id == "sys"
    )


def writes(tree: ast.Module) -> Iterator[str]:
    """Yield what a module prints, asks, or writes to a standard stream."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("print", "input"):
                yield node.func.id
        elif isinstance(node, ast.Attribute) and is_stream(node.value):
            if node.attr not in ("isatty", "fileno", "flush"):
                yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom) and node.module == "sys":
            yield from (a.name for a in node.names if a.name in ("stdout", "stderr"))


@pytest.mark.parametrize("name", [name for name in MODULES if room_of(name) != REPORT])
def test_only_the_report_prints_or_asks(name: str) -> None:
    assert list(writes(TREES[name])) == []


def test_the_report_does_print() -> None:
    """The search above finds what it looks for."""
    assert "sys.stderr.write" in list(writes(TREES[f"devenv_lib.{REPORT}"]))


@pytest.mark.parametrize("name", MODULES)
def test_every_module_and_everything_public_in_it_is_documented(name: str) -> None:
    """Also the methods of public classes."""
    bare = [] if ast.get_docstring(TREES[name]) else [name]
    nodes: list[ast.AST] = [TREES[name]]
    while nodes:
        for child in ast.iter_child_nodes(nodes.pop()):
            if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            if child.name.startswith("_") and child.name != "__getattr__":
                continue
            if not ast.get_docstring(child):
                bare.append(f"{name}.{child.name}")
            if isinstance(child, ast.ClassDef):
                nodes.append(child)

    assert bare == []


# The public names


#: Packages that import what they offer when it is asked for: the library itself, and rooms.
ROOMS = [name for name in MODULES if "devenv_lib.lazily" in own(name)]
LAZY = ["devenv_lib", *ROOMS]


def homes(package: str) -> dict[str, str]:
    """Return in which module below it each name of a lazy package lives."""
    module = importlib.import_module(package)
    found: dict[str, str] = module._MODULES if package == "devenv_lib" else module.homes
    return found


def typed_names(package: str) -> dict[str, str]:
    """Return the names that a package imports for type checkers, and from which modules."""
    blocks = [node for node in TREES[package].body if isinstance(node, ast.If)]
    return {
        alias.asname or alias.name: node.module or ""
        for block in blocks
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


@pytest.mark.parametrize("package", LAZY)
def test_what_a_package_offers_is_complete(package: str) -> None:
    """What a type checker sees, what is listed, and what can be got are the same."""
    module = importlib.import_module(package)
    typed = typed_names(package)
    own_names = {node.name for node in TREES[package].body if isinstance(node, ast.FunctionDef)}
    assert set(homes(package)) == set(typed)
    assert set(typed) | own_names == set(module.__all__)
    for name, home in homes(package).items():
        assert f"{typed[name]}.".startswith(f"{package}.{home}.")


@pytest.mark.parametrize("package", LAZY)
def test_everything_that_a_package_offers_can_be_imported(package: str) -> None:
    module = importlib.import_module(package)
    for name, home in homes(package).items():
        there = importlib.import_module(f"{package}.{home}")
        assert getattr(there, name) is getattr(module, name)


def test_the_packages_that_every_command_starts_with_are_lazy() -> None:
    """So that a command imports what its own verb is made of, and no other's."""
    rooms_ = {"checks", "containers", "doctor", "engine", "host", "images", "plans", "volumes"}
    assert {room_of(name) for name in ROOMS} == rooms_


def test_a_name_that_is_not_public_is_an_attribute_error() -> None:
    """As of any other module, so that ``hasattr`` works."""
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = devenv_lib.nonsense  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "name",
    [name for name, path in MODULES.items() if path.name == "__init__.py" and name != "devenv_lib"],
)
def test_a_room_lists_the_names_that_it_offers(name: str) -> None:
    """Sorted, and each one there."""
    module = importlib.import_module(name)
    listed = getattr(module, "__all__", [])

    assert listed == sorted(listed, key=lambda n: (not n.isupper(), not n[0].isupper(), n))
    assert all(hasattr(module, one) for one in listed)


def test_no_module_takes_the_place_of_a_name_that_its_room_offers() -> None:
    """Importing ``room.name`` sets it, and what was offered by the name would be gone."""
    for name in MODULES:
        importlib.import_module(name)
    rooms_ = {name: sys.modules[name] for name in MODULES if name != "devenv_lib"}
    taken = [
        f"{name}.{one}"
        for name, module in rooms_.items()
        for one in getattr(module, "__all__", [])
        if isinstance(getattr(module, one), ModuleType)
    ]

    assert taken == []


def loaded(code: str) -> set[str]:
    """Return the top-level packages that a fresh interpreter has loaded after ``code``."""
    script = f"{code}\nimport json, sys\njson.dump(sorted(sys.modules), sys.stdout)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return {module.partition(".")[0] for module in json.loads(done.stdout)}


def test_importing_the_library_imports_neither_docker_nor_invoke() -> None:
    """60 and 100 ms that a program may never need."""
    heavy = {"docker", "invoke", "requests", "urllib3", "tabulate", "subprocess"}

    assert loaded("import devenv_lib") & heavy == set()


@pytest.mark.parametrize("room", sorted(PURE))
def test_the_pure_half_can_be_used_without_docker_and_invoke(room: str) -> None:
    """Also through whatever it imports."""
    names = loaded(f"import devenv_lib.{room}")

    assert names & {"docker", "invoke", "requests", "urllib3", "subprocess", "tabulate"} == set()
