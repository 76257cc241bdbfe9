"""A process that has imported dbt and parsed the project once, and forks for every invocation.

dbt keeps global state, so each invocation gets a process of its own; importing and parsing, which
cost seconds, are paid once per server. Requests are JSON lines on stdin, answers JSON lines on
stdout: `{"project": …, "environment": …, "arguments": […], "log": path, "result": path}`. A request
without arguments only parses. A request whose process is killed is answered with `stopped`.

Nothing outlives the process that asked, however it ends: the server ends when its stdin is closed,
which the kernel does for a killed owner too, and a running invocation ends with either of them. A
killed run would otherwise go on writing into the candidate of the next one.

Started by encours.transform.dbt: as `python -m encours.transform.dbt_server`, or, where the process
that asks was itself forked from one that has imported dbt (a task of the scheduler), as a fork of
it, which saves seconds of processor time in each task.
"""

from __future__ import annotations

import contextlib
import gc
import json
import multiprocessing
import os
import select
import signal
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any, TextIO

from encours.allocator import collect_seldom, share_arenas

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

STDIN = 0
TITLE = "encours dbt"

_is_preloaded = False


def preload() -> None:
    """Import what dbt needs to run, here and so in everything that is forked from here."""
    global _is_preloaded
    import dbt.adapters.postgres
    import dbt.cli.main
    import dbt.task.build  # noqa: F401 (dbt would import it when it first builds)

    _is_preloaded = True


def is_preloaded() -> bool:
    return _is_preloaded


class ForkedServer:
    """A server forked from this process; its owner handles it as one that `subprocess` started."""

    def __init__(self) -> None:
        requests, self_requests = os.pipe()
        self_answers, answers = os.pipe()
        context = multiprocessing.get_context("fork")
        self._process = context.Process(target=_serve, args=(requests, answers), daemon=True)
        self._process.start()
        os.close(requests)
        os.close(answers)
        self.stdin: TextIO = os.fdopen(self_requests, "w")
        self.stdout: TextIO = os.fdopen(self_answers)

    def poll(self) -> int | None:
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    def wait(self) -> None:
        self._process.join()


def _serve(requests: int, answers: int) -> None:
    """The server in a forked process, free of what its owner had open."""
    from setproctitle import setproctitle

    setproctitle(TITLE)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.dup2(requests, 0)
    os.dup2(answers, 1)
    # The owner's pipes and sockets would not end with it. Their numbers stay taken: something here
    # that still believes in one must not write into, or close, what dbt opens.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in map(int, os.listdir("/dev/fd")):
        if descriptor > 2 and descriptor != nowhere:
            with contextlib.suppress(OSError):  # The one that was listing them.
                os.fstat(descriptor)
                os.dup2(nowhere, descriptor)
    sys.stdin = os.fdopen(STDIN, closefd=False)
    main()


def main() -> None:
    # Before dbt is imported, which takes seconds: the owner may be gone by then.
    _end_with(STDIN)
    share_arenas()
    collect_seldom()
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    from dbt.cli.main import dbtRunner

    manifest: Any = None
    parsed_for: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        os.environ.update(request["environment"])
        _redirect_output(request["log"])
        if parsed_for != request["project"]:
            parsing = dbtRunner().invoke(request["parse_arguments"])
            if not parsing.success:
                _write(request["result"], _failure(parsing))
                answers.write("done\n")
                continue
            manifest, parsed_for = parsing.result, request["project"]
        if not request["arguments"]:
            answers.write("done\n")
            continue
        status = _run_in_child(manifest, request)
        if os.WIFSIGNALED(status):
            answers.write("stopped\n")
            continue
        if status != 0:
            _write(
                request["result"],
                {"success": False, "error": f"dbt ended with status {status}", "nodes": []},
            )
        answers.write("done\n")


def _end_with(*descriptors: int) -> None:
    """End this process at once when the other end of one of these pipes is closed."""
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLHUP)

    def watch() -> None:
        poll.poll()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _run_in_child(manifest: Any, request: dict[str, Any]) -> int:
    """Fork, run dbt there, and return how it ended."""
    # The collector would touch, and so copy, the pages that parent and child share.
    gc.collect()
    gc.freeze()
    lifeline, held_by_server = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(held_by_server)
        _end_with(STDIN, lifeline)
        _invoke(manifest, request)
    os.close(lifeline)
    try:
        return os.waitpid(child, 0)[1]
    finally:
        os.close(held_by_server)


def _invoke(manifest: Any, request: dict[str, Any]) -> None:
    """Run dbt in the forked child and leave without any clean-up of the parent's state."""
    from dbt.cli.main import dbtRunner

    try:
        _keep_connections()
        result = dbtRunner(manifest=manifest).invoke(request["arguments"])
        _write(request["result"], _summary(result))
        sys.stdout.flush()
        os._exit(0)
    except BaseException:  # noqa: BLE001 (a forked child must not return into the server's loop)
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def _keep_connections() -> None:
    """Let each thread of dbt keep its connection: dbt opens one for each node, and at the
    warehouse's end each begins by reading the catalogue. For six hundred nodes that is a tenth of
    the processor time of a small build."""
    from dbt.adapters.contracts.connection import ConnectionState
    from dbt.adapters.postgres import PostgresAdapter
    from dbt.adapters.postgres.connections import PostgresConnectionManager

    class KeptConnections(PostgresConnectionManager):  # type: ignore[misc]  # dbt tells no types
        def release(self) -> None:
            connection = self.get_if_exists()
            is_open = connection is not None and connection.state == ConnectionState.OPEN
            if is_open and not connection.handle.closed:
                # What closing it would undo as well.
                self._rollback_handle(connection)
                connection.transaction_open = False
            else:
                super().release()

    PostgresAdapter.ConnectionManager = KeptConnections


def _summary(result: dbtRunnerResult) -> dict[str, Any]:
    if result.exception is not None:
        return _failure(result)
    nodes = [
        {
            "unique_id": node.node.unique_id,
            "resource_type": str(node.node.resource_type),
            "name": node.node.name,
            "status": str(node.status),
            "message": node.message,
            "failures": node.failures,
            "severity": str(getattr(node.node.config, "severity", "error")).lower(),
            "attached_node": getattr(node.node, "attached_node", None),
            "description": getattr(node.node, "description", "") or "",
            "seconds": node.execution_time,
            "row_count": (node.adapter_response or {}).get("rows_affected"),
            "query": node.node.compiled_code if str(node.status) in ("fail", "warn") else None,
        }
        for node in getattr(result.result, "results", [])
    ]
    return {"success": bool(result.success), "error": None, "nodes": nodes}


def _failure(result: dbtRunnerResult) -> dict[str, Any]:
    return {"success": False, "error": str(result.exception), "nodes": []}


def _write(path: str, content: dict[str, Any]) -> None:
    with open(path, "w") as file:
        json.dump(content, file)


def _redirect_output(path: str) -> None:
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


if __name__ == "__main__":
    main()
