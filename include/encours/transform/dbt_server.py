"""A process that has imported dbt and parsed the project once, and forks for every invocation.

dbt keeps global state, so each invocation gets a process of its own; importing and parsing, which
cost seconds, are paid once per server. Requests are JSON lines on stdin, answers JSON lines on
stdout: `{"project": …, "environment": …, "arguments": […], "log": path, "result": path}`. A request
without arguments only parses.

Started by encours.transform.dbt as `python -m encours.transform.dbt_server`.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

from dbt.cli.main import dbtRunner, dbtRunnerResult  # noqa: TID253 (the purpose of this process)


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
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
        child = os.fork()
        if child == 0:
            _invoke(manifest, request)
        _, status = os.waitpid(child, 0)
        if status != 0:
            _write(
                request["result"],
                {"success": False, "error": f"dbt was stopped (status {status})", "nodes": []},
            )
        answers.write("done\n")


def _invoke(manifest: Any, request: dict[str, Any]) -> None:
    """Run dbt in the forked child and leave without any clean-up of the parent's state."""
    try:
        result = dbtRunner(manifest=manifest).invoke(request["arguments"])
        _write(request["result"], _summary(result))
        sys.stdout.flush()
        os._exit(0)
    except BaseException:  # noqa: BLE001 (a forked child must not return into the server's loop)
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


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
