"""XML-RPC bodies: fractions keep their digits, and nothing but an answer is taken for one."""

from __future__ import annotations

import xmlrpc.client
from decimal import Decimal

import pytest

from encours.clients.xml_rpc import Fault, read_answer, write_call


def answer(value: str) -> bytes:
    inside = f"<params><param><value>{value}</value></param></params>"
    return f"<?xml version='1.0'?><methodResponse>{inside}</methodResponse>".encode()


@pytest.mark.parametrize("digits", ["0.1", "1234567890.17", "-120.0", "1e-05"])
def test_double_is_read_by_its_digits(digits: str) -> None:
    assert read_answer(answer(f"<double>{digits}</double>")) == Decimal(digits)


def test_structures_are_read_whole() -> None:
    rows = [{"id": 1, "name": "Café & fils", "ref": False, "currency_id": [2, "EUR"]}]

    assert read_answer(xmlrpc.client.dumps((rows,), methodresponse=True).encode()) == rows


def test_call_is_read_as_it_was_written() -> None:
    arguments, method = xmlrpc.client.loads(write_call("execute_kw", "base", 2, ["é"], {"a": 1}))

    assert (method, arguments) == ("execute_kw", ("base", 2, ["é"], {"a": 1}))


def test_fault_is_raised() -> None:
    body = xmlrpc.client.dumps(xmlrpc.client.Fault(3, "Access Denied"), methodresponse=True)

    with pytest.raises(Fault) as fault:
        read_answer(body.encode())

    assert fault.value.faultCode == 3


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"<html><body>Sign in</body></html>",
        b"<methodResponse></methodResponse>",
        b"<methodResponse><params>",
        answer("<double>many</double>"),
        answer("<int>many</int>"),
        answer("<struct><member><name>alone</name></member></struct>"),
        answer("<novelty>1</novelty>"),
        b"<!DOCTYPE a><methodResponse></methodResponse>",
        b'<!DOCTYPE a [<!ENTITY b "c">]>' + answer("<string>&b;</string>")[21:],
    ],
)
def test_anything_else_is_no_answer(body: bytes) -> None:
    with pytest.raises(ValueError, match="no XML-RPC answer"):
        read_answer(body)
