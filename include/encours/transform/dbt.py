"""Runs dbt: arguments (pure), the process that runs them, and what came out.

The layers are one invocation each. Models are built without their tests, then all tests run: a
failing test holds the publication but leaves a whole candidate to look at and to release.
"""

from __future__ import annotations

import atexit
import hashlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from encours.errors import FatalError, RetryableError
from encours.quality.results import ACROSS_MODELS, TIMEOUT, CheckResult, counted, detailed
from encours.settings import Settings, project_root
from encours.transform.dbt_server import ForkedServer, is_preloaded
from encours.warehouse.connections import connect, parse_url
from encours.warehouse.failing_rows import FoundKeys, find_keys
from encours.warehouse.previous import SCHEMA as PREVIOUS
from encours.warehouse.publication import CANDIDATE

SEEDS = "resource_type:seed"
FIRST_LAYER = "canonical"
LAYERS: Mapping[str, tuple[str, ...]] = {
    FIRST_LAYER: (
        SEEDS,
        "fqn:staging",
        "fqn:intermediate.canonical",
        "fqn:intermediate.changes",
        "fqn:intermediate.checked",
        "fqn:intermediate.gathered",
        "fqn:intermediate.ledger",
        # What tells which customers changed is published for the next build to compare with.
        "customer_digests",
        # What waits for no allocation: these are one long statement, beside which the other half of
        # the machine would be idle.
        "customer_attributes",
        "document_attributes",
        "fct_documents",
        "fct_items",
        "int_customer_revenue",
        "int_document_revenue",
        "int_document_scopes",
        "int_scopes",
    ),
    # What the marts add up is built here as well: the movements are one long statement, beside
    # which the other half of the machine would be idle.
    "core": (
        "fqn:core",
        "fqn:intermediate.ageing",
        "fqn:intermediate.behaviour",
        "fqn:intermediate.facts",
        "fqn:intermediate.restatements",
        "fqn:intermediate.scopes",
        # What the count-back by months reads: with these at hand it is among the first of the next
        # layer, and from it leads the longest way through the marts (DSO, behaviour, alerts).
        "int_countback_amounts",
        "int_countback_days",
    ),
    "marts": (
        "fqn:marts",
        "fqn:intermediate.countback",
        "fqn:intermediate.gate",
    ),
}
TESTS = "tests"
STOPPED = "the dbt process was stopped: run again"


@dataclass(frozen=True)
class Build:
    """One build: two dates, the run, the schemas it writes to, those of what it follows and of the
    choices that it reads."""

    run_id: str
    as_of_date: date
    known_on: datetime
    candidate_schema: str = CANDIDATE
    staging_schema: str = "staging"
    reference_schema: str = "reference"
    intermediate_schema: str = "intermediate"
    previous_schema: str = PREVIOUS
    choices_schema: str = "ops"

    @property
    def work_schemas(self) -> tuple[str, ...]:
        return (self.staging_schema, self.reference_schema, self.intermediate_schema)

    @property
    def vars(self) -> dict[str, str]:
        return {
            "run_id": self.run_id,
            "as_of_date": self.as_of_date.isoformat(),
            "known_on": self.known_on.isoformat(),
            "staging_schema": self.staging_schema,
            "reference_schema": self.reference_schema,
            "intermediate_schema": self.intermediate_schema,
            "previous_schema": self.previous_schema,
            "choices_schema": self.choices_schema,
        }


@dataclass(frozen=True)
class Node:
    """What dbt says of one model, seed or test. `query` selects the rows of a test that failed."""

    unique_id: str
    resource_type: str
    name: str
    status: str
    message: str | None
    failures: int | None
    severity: str
    attached_node: str | None
    description: str
    seconds: float
    row_count: int | None
    query: str | None = None


def staging_of(sources: Iterable[str]) -> tuple[str, ...]:
    """The staging models of these sources, as dbt selects them."""
    return tuple(f"fqn:staging.{source}" for source in sources)


def _built_before(layer: str) -> tuple[str, ...]:
    """What layers before this one name model by model: it may lie in a folder of this one."""
    before = itertools.takewhile(lambda name: name != layer, LAYERS)
    return tuple(model for name in before for model in LAYERS[name] if ":" not in model)


def layer_arguments(
    build: Build, layer: str, folder: Path, without: Sequence[str] = ()
) -> list[str]:
    """The command line of one layer, or of all tests, less what `without` selects."""
    left_out = (*without, *(_built_before(layer) if layer != TESTS else ()))
    common = [*_common_arguments(build, folder), "--no-partial-parse"]
    if left_out:
        common = ["--exclude", *left_out, *common]
    if layer == TESTS:
        return ["test", "--exclude-resource-type", "unit_test", *common]
    return [
        "build",
        "--exclude-resource-type",
        "test",
        "--exclude-resource-type",
        "unit_test",
        "--select",
        *LAYERS[layer],
        *common,
    ]


def parse_arguments(settings: Settings, build: Build) -> list[str]:
    """The command line that reads the project.

    It is the same for every build into the same schemas (dates and run are read when a model runs)
    and its result is kept in the home, so that dbt reads only what has changed since: 1.5 s of
    processor time instead of 7.5, in each task of a scheduled build.
    """
    nobody = replace(build, run_id="nobody", as_of_date=date.min, known_on=datetime.min)
    folder = settings.home / "dbt" / build.candidate_schema
    return ["parse", *_common_arguments(nobody, folder), "--partial-parse"]


def _common_arguments(build: Build, folder: Path) -> list[str]:
    project = str(project_root() / "dbt_project")
    return [
        "--project-dir",
        project,
        "--profiles-dir",
        project,
        "--target-path",
        str(folder / "target"),
        "--log-path",
        str(folder / "logs"),
        "--vars",
        json.dumps(build.vars, sort_keys=True),
        "--no-use-colors",
        "--no-write-json",
        # What dbt prints is kept in dbt.log of the run (dbt_server).
        "--log-level-file",
        "none",
    ]


def run_layer(
    settings: Settings, warehouse_url: str, build: Build, layer: str, without: Sequence[str] = ()
) -> tuple[Node, ...]:
    """Build one layer, less what `without` selects. FatalError when a model cannot be built."""
    return _run(settings, warehouse_url, build, layer, without, timeout_seconds=None)


def run_tests(
    settings: Settings,
    warehouse_url: str,
    build: Build,
    without: Sequence[str] = (),
    *,
    timeout_seconds: int,
) -> tuple[CheckResult, ...]:
    """Run all tests of the models, less what `without` selects, as checks of the gate: `error` is
    critical, `warn` a warning. One that takes longer than allowed was not checked."""
    nodes = _run(settings, warehouse_url, build, TESTS, without, timeout_seconds=timeout_seconds)
    return tuple(
        _test_result(node, _found_keys(warehouse_url, node))
        for node in nodes
        if node.resource_type == "test"
    )


def _run(
    settings: Settings,
    warehouse_url: str,
    build: Build,
    layer: str,
    without: Sequence[str],
    *,
    timeout_seconds: int | None,
) -> tuple[Node, ...]:
    """One invocation of dbt; `timeout_seconds` bounds every single statement."""
    folder = settings.runs_dir / build.run_id
    folder.mkdir(parents=True, exist_ok=True)
    result_path = folder / f"dbt_{layer}.json"
    result_path.unlink(missing_ok=True)
    log_path = folder / "dbt.log"
    arguments = layer_arguments(build, layer, folder, without)
    request = _request(settings, warehouse_url, build, arguments, result_path)
    if timeout_seconds:
        limit = f" -c statement_timeout={timeout_seconds * 1000}"
        request["environment"]["PGOPTIONS"] += limit
    _server().ask(request)
    if not result_path.exists():
        raise FatalError(f"dbt stopped while building {layer}: see {log_path}")
    result = json.loads(result_path.read_text())
    if result["error"]:
        raise _stopped(layer, result["error"], log_path)
    nodes = tuple(Node(**node) for node in result["nodes"])
    broken = [node for node in nodes if node.status == "error" and node.resource_type != "test"]
    if broken:
        raise _stopped(layer, f"{broken[0].name}: {broken[0].message}", log_path)
    return nodes


def models_hash() -> str:
    """Names the models, macros and seeds: figures of one hash come about in one way."""
    project = project_root() / "dbt_project"
    files = [project / "dbt_project.yml"]
    for folder in ("models", "macros", "seeds"):
        files.extend(path for path in (project / folder).rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(project)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def warm_up(settings: Settings, warehouse_url: str) -> None:
    """Let dbt be imported and the project be parsed while the caller does something else."""
    nobody = Build("nobody", date.min, datetime.min)
    folder = settings.home / "dbt"
    folder.mkdir(parents=True, exist_ok=True)
    _server().send(_request(settings, warehouse_url, nobody, [], folder / "dbt_parse.json"))


def _request(
    settings: Settings,
    warehouse_url: str,
    build: Build,
    arguments: list[str],
    result_path: Path,
) -> dict[str, Any]:
    """One request to the dbt server. Dates and run are read when a model runs, so one parsed
    project serves every build that writes to the same schemas."""
    schemas = (
        build.candidate_schema,
        build.staging_schema,
        build.reference_schema,
        build.intermediate_schema,
        build.previous_schema,
        build.choices_schema,
    )
    return {
        "project": [*schemas, warehouse_url],
        "environment": _environment(settings, warehouse_url, build),
        "parse_arguments": parse_arguments(settings, build),
        "arguments": arguments,
        "log": str(result_path.with_name("dbt.log")),
        "result": str(result_path),
    }


def _found_keys(warehouse_url: str, node: Node) -> FoundKeys:
    """What tells the rows apart that a failed test found."""
    if node.query is None:
        return FoundKeys()
    with connect(warehouse_url) as connection:
        return find_keys(connection, node.query)


def _test_result(node: Node, found: FoundKeys) -> CheckResult:
    states = {"pass": "passed", "fail": "failed", "warn": "failed"}
    state: Any = states.get(node.status, "not_checked")
    table = (node.attached_node or "").rpartition(".")[2] or ACROSS_MODELS
    observed = None if node.failures is None else counted(node.failures)
    details = {
        "passed": "",
        "failed": detailed(observed or "", found.keys),
        "not_checked": _details(node.message or ""),
    }
    return CheckResult(
        table_name=table,
        check_name=node.name,
        severity="warning" if node.severity == "warn" else "critical",
        state=state,
        observed_value=observed,
        details=details[state],
        sample_keys=found.keys,
        why=_one_line(node.description) or "A rule of the data model that must hold for any data.",
        sample_columns=found.columns,
        row_count=node.failures,
    )


def _details(message: str) -> str:
    return TIMEOUT if "due to statement timeout" in message else _one_line(message)


def _stopped(layer: str, message: str, log_path: Path) -> Exception:
    line = _one_line(message)
    lost = ("server closed the connection", "connection to server", "terminating connection")
    if any(sign in line for sign in lost):
        return RetryableError(
            f"the database went away while building {layer}: run again ({log_path})"
        )
    if "No space left on device" in line or "could not extend file" in line:
        return FatalError(f"the disk is full: free some space and run again ({log_path})")
    if "in a read-only transaction" in line:
        return FatalError(f"the database takes no writes: let it write and run again ({log_path})")
    return FatalError(f"dbt could not build {layer}: {line} (details in {log_path})")


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def _environment(settings: Settings, warehouse_url: str, build: Build) -> dict[str, str]:
    target = parse_url(warehouse_url)
    # A third of the usual sample: every model is analysed, and at 1,000,000 invoices this took 4 s
    # of processor time instead of 19, and the models planned with it 341 s instead of 379.
    options = "-c default_statistics_target=30"
    if not settings.warehouse_url:
        # dbt's threads keep the cores of a small machine busy: a statement that is shared out among
        # workers as well costs them more in all (half as much again for what groups by customer).
        options += " -c max_parallel_workers_per_gather=0"
    return {
        "PGOPTIONS": options,
        "ENCOURS_DBT_HOST": target.host,
        "ENCOURS_DBT_PORT": str(target.port),
        "ENCOURS_DBT_USER": target.user,
        "ENCOURS_DBT_PASSWORD": target.password,
        "ENCOURS_DBT_DATABASE": target.database,
        "ENCOURS_DBT_SCHEMA": build.candidate_schema,
        "DO_NOT_TRACK": "1",
    }


def _start_server() -> subprocess.Popen[str]:
    return subprocess.Popen(
        # -P: `-m` would put the caller's working folder first on the import path.
        [sys.executable, "-P", "-W", "ignore", "-m", "encours.transform.dbt_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


class _DbtServer:
    """The running dbt_server process of this process."""

    def __init__(self) -> None:
        self._process = ForkedServer() if is_preloaded() else _start_server()
        self._owner = os.getpid()
        self._unanswered = 0

    @property
    def is_usable(self) -> bool:
        return self._owner == os.getpid() and self._process.poll() is None

    def send(self, request: dict[str, Any]) -> None:
        """Hand a request over without waiting for its answer."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise RetryableError(STOPPED) from error
        self._unanswered += 1

    def ask(self, request: dict[str, Any]) -> None:
        """Hand a request over and wait until it, and what was sent before it, is done."""
        assert self._process.stdout is not None
        self.send(request)
        while self._unanswered:
            answer = self._process.stdout.readline()
            self._unanswered -= 1
            if answer != "done\n":
                raise RetryableError(STOPPED)

    def stop(self) -> None:
        if self._owner != os.getpid():
            return
        self._process.kill()
        self._process.wait()


_current: _DbtServer | None = None


def _server() -> _DbtServer:
    """The server of this process, started on first use and stopped with it."""
    global _current
    if _current is None or not _current.is_usable:
        _current = _DbtServer()
        atexit.register(_current.stop)
    return _current


def rebuild_of(build: Build, schema: str) -> Build:
    """The same build in schemas of its own, beside the published marts."""
    work = f"{schema}_work"
    return replace(
        build,
        candidate_schema=schema,
        staging_schema=work,
        reference_schema=work,
        intermediate_schema=work,
        previous_schema=f"{schema}_previous",
        choices_schema=work,
    )
