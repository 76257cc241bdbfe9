"""OpenAPI 3.0 documents of vendors, read from $ENCOURS_OPENAPI_DIR (else from ../shared/openapi),
and what they say of requests and answers. The documents are the vendors': where they are absent,
tests are skipped."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker

VARIABLE = "ENCOURS_OPENAPI_DIR"


SHARED = Path(__file__).resolve().parents[3] / "shared" / "openapi"


def read_document(*parts: str) -> Any:
    """The content at this path of the folder; skips the test that asks where there is none."""
    path = document_path(*parts)
    text = path.read_text()
    # The parser in C: that in Python takes a minute for what it does in a second.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, loader) if path.suffix == ".yaml" else json.loads(text)


def document_path(*parts: str) -> Path:
    """Where this document of the folder is; skips the test that asks where there is none."""
    path = Path(os.environ.get(VARIABLE) or SHARED).joinpath(*parts)
    if not path.is_file():
        pytest.skip(f"{VARIABLE}: no {'/'.join(parts)}, no vendor specification to check against")
    return path


def document(*parts: str) -> OpenApiDocument:
    return OpenApiDocument(read_document(*parts))


class OpenApiDocument:
    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], Mapping[str, Any]]]:
        """More specific templates first: `/a/b` before `/a/{id}`."""
        templates = sorted(self._content["paths"], key=lambda path: path.count("{"))
        return [
            (re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) + "$"), operations)
            for path in templates
            for operations in [self._content["paths"][path]]
        ]

    def operation(self, path: str, method: str = "get") -> Mapping[str, Any]:
        for pattern, operations in self._paths:
            if pattern.match(path) and method in operations:
                found: Mapping[str, Any] = operations[method]
                return found
        raise AssertionError(f"the specification has no {method} {path}")

    def faults_of_request(self, path: str, query: str) -> list[str]:
        """What the parameters of a GET have that the specification does not permit."""
        parameters = self.operation(path).get("parameters", [])
        known = {p["name"]: p for p in parameters if p["in"] == "query"}
        given = dict(parse_qsl(query, keep_blank_values=True))
        faults = [f"parameter {name} is unknown" for name in given if name not in known]
        faults += [
            f"parameter {name} is missing"
            for name, parameter in known.items()
            if parameter.get("required") and name not in given
        ]
        for name, text in given.items():
            schema = known.get(name, {}).get("schema", {})
            value = int(text) if schema.get("type") == "integer" and text.isdecimal() else text
            faults += [
                f"{name}: {error.message}" for error in _validator(schema).iter_errors(value)
            ]
        return faults

    def faults_of_answer(self, path: str, status: int, body: Any) -> list[str]:
        """Where the answer to a GET does not fit its schema."""
        responses = self.operation(path)["responses"]
        if str(status) not in responses:
            return [f"status {status} is not in the specification"]
        schema = responses[str(status)]["content"]["application/json"]["schema"]
        return [
            f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in _validator(schema).iter_errors(body)
        ]

    def values_of(self, path: str, *fields: str) -> list[Any]:
        """The enumerated values of a field of the records that a listing has."""
        schema: Any = self.record_schema(path)
        for field in fields:
            schema = schema["properties"][field]
        found: list[Any] = schema["enum"]
        return found

    def record_schema(self, path: str) -> Mapping[str, Any]:
        answer = self.operation(path)["responses"]["200"]["content"]["application/json"]["schema"]
        for part in [answer, *answer.get("allOf", [])]:
            if "items" in part.get("properties", {}):
                found: Mapping[str, Any] = part["properties"]["items"]["items"]
                return found
        raise AssertionError(f"{path} is not a listing")


def _validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(_with_nulls(schema), format_checker=FormatChecker())


def _with_nulls(schema: Any) -> Any:
    """JSON schema has no `nullable`: null is a type there, and one of the values of an enum."""
    if isinstance(schema, list):
        return [_with_nulls(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    copied = {name: _with_nulls(part) for name, part in schema.items() if name != "nullable"}
    if schema.get("nullable"):
        if isinstance(copied.get("type"), str):
            copied["type"] = [copied["type"], "null"]
        if "enum" in copied:
            copied["enum"] = [*copied["enum"], None]
    return copied
