"""Every reason to refuse a row has its French sentence, and every sentence its reason."""

from __future__ import annotations

import ast
import functools
import re

import pytest
from source_texts import called_in, fields, fits, parsed, skeleton, texts_in

from encours.clients.flat_file_schema import STREAMS, Column, Stream, explain
from encours.quality.reasons import Reason
from encours.quality.refusals import BY_FEC, BY_FILE, BY_RELATION, WORDS, refusal_of
from encours.sentences import Sentences
from encours.settings import project_root
from encours.typography import NO_BREAK

MODELS = project_root() / "dbt_project" / "models"
PACKAGE = project_root() / "include" / "encours"
ALL = {**BY_RELATION, **BY_FILE, **BY_FEC}
# Who refuses a row calls one of these; faults are the quotes that break one.
REFUSES = {"RefusedRow", "RefusedLine", "Rejection", "_refuse_where", "faults.append"}


def in_french(reason: str) -> str:
    told = refusal_of(reason, language="fr")
    assert told.language == "fr", reason
    return told.text.replace(NO_BREAK, " ").replace("\u202f", " ")


# --- what the models say -----------------------------------------------------------------------


def written_in(expression: str) -> str:
    """The skeleton of an SQL expression that joins texts and values."""
    parts: list[str] = []
    depth = 0
    for token in re.findall(r"'(?:[^']|'')*'|\|\||[()]|[^'|()]+", expression.strip()):
        depth += {"(": 1, ")": -1}.get(token, 0)
        if depth or token in ")||" or not token.strip():
            continue
        parts.append(token[1:-1].replace("''", "'") if token.startswith("'") else "{}")
    return "".join(parts)


@functools.cache
def of_models() -> frozenset[str]:
    found = set()
    for path in MODELS.rglob("*.sql"):
        text = re.sub(r"--[^\n]*", "", path.read_text())
        for before in text.split("end as refused_reason")[:-1]:
            choice = before[before.rindex("end as refused_column") :]
            for answer in re.findall(r"(?s)\bthen\b(.*?)(?=\bwhen\b|\Z)", choice):
                found.add(written_in(answer))
    assert len(found) > 30
    return frozenset(found)


def test_every_reason_of_the_models_is_known_and_no_other() -> None:
    assert {skeleton(sentence) for sentence in BY_RELATION} == of_models()


# --- what the readings say ---------------------------------------------------------------------


@functools.cache
def of_readings() -> frozenset[str]:
    """What is said by the functions that refuse rows, and by those that explain a value to them."""
    found = {*texts_in(parsed(PACKAGE / "clients" / "flat_file_schema.py"))}
    for path in [*PACKAGE.glob("clients/*.py"), *PACKAGE.glob("loading/*.py")]:
        for node in ast.walk(parsed(path)):
            is_said = isinstance(node, ast.FunctionDef) and called_in(node) & REFUSES
            if isinstance(node, ast.Assign):
                is_said = "QUOTE" in ast.unparse(node.targets[0])
            if isinstance(node, ast.Raise) and path.name == "fec_values.py":
                is_said = True
            if is_said:
                found.update(texts_in(node))
    assert len(found) > 40
    return frozenset(found)


def test_every_reason_of_the_readings_is_known() -> None:
    known = [*BY_FILE, *BY_FEC, "x (also refused: y)"]

    assert [text for text in of_readings() if not any(fits(text, one) for one in known)] == []


def test_every_sentence_is_of_a_reason_that_exists() -> None:
    said = " ".join(of_readings())
    parts = {
        part.strip()
        for sentence in (*BY_FILE, *BY_FEC)
        for part in re.split(r"\{\}|: ", skeleton(sentence))
    }

    assert {part for part in parts if part not in said} == set()


BAD_VALUES = (
    *("", "12,50", "1 234.56", "-1", "0", "1e5", "abc", "\x07", "31/01/2024", "INVOICE", "x\ty"),
    *("2024-02-30", "1.12345678901234567", "12345678901234567890", "é" * 300, "2024-13-01T99"),
)


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_whatever_is_wrong_with_a_value_is_told_in_french(stream: Stream) -> None:
    columns = [*stream.columns, Column("custom")]

    for column in columns:
        for value in BAD_VALUES:
            assert in_french(explain(column, value)).startswith(f"{column.name} ")


# --- how it is told ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "french"),
    [
        (
            "payment P-none is not in the files: add it there",
            "règlement P-none absent des fichiers : ajoutez-l’y",
        ),
        (
            "customer (none) is not in customers: add it there",
            "client (aucun) absent de customers : ajoutez-l’y",
        ),
        # Not that a document is a kind of payment.
        (
            "document D: 7 was itself refused: mend it first",
            "la pièce D: 7 est elle-même refusée : corrigez-la d’abord",
        ),
        (
            "credit_note C-1 must settle an invoice, C-2 is a credit note",
            "avoir C-1 : c’est une facture qu’il doit solder, C-2 est un avoir",
        ),
        (
            "document D-1 is a draft invoice: only posted invoices are written off",
            "pièce D-1 (facture, statut « en brouillon ») : seules les factures validées sont"
            " passées en perte",
        ),
        (
            "allocated 12345.60 of payment P-1, which is only 12000.00",
            "12 345,60 imputés de : règlement P-1, qui n’est que de 12 000,00",
        ),
        (
            "issue_date is empty: it is mandatory, fill it in (also refused: amount_incl_tax)",
            "issue_date est vide : la valeur est obligatoire, renseignez-la (refusées aussi :"
            " amount_incl_tax)",
        ),
    ],
)
def test_reason_is_told_in_french_with_its_values(reason: str, french: str) -> None:
    assert in_french(reason) == french


def test_values_of_the_data_stay_as_they_are() -> None:
    customer = "{status} « a : b » % $1 \\1 is not in customers"

    told = refusal_of(f"customer {customer} is not in customers: add it there", language="fr")

    assert customer in told.text


def test_every_kind_of_word_in_the_models_is_known() -> None:
    kinds = {"payment", "credit_note", "receipt", "refund", "invoice", "credit note"}

    assert kinds | {"posted", "draft", "void"} == WORDS.keys()


def test_fields_are_the_same_in_both_languages() -> None:
    assert [one for one, other in ALL.items() if fields(one) != fields(other)] == []


def test_no_french_line_breaks_before_its_signs() -> None:
    sentences = Sentences(ALL, WORDS)
    texts = [sentences.in_french(re.sub(r"\{[^}]*\}", "1", one)) or "" for one in ALL]

    assert [text for text in texts if re.search(r" [:;!?%»]|«[^\u00a0]|'", text)] == []


def test_reason_of_somebody_else_is_told_in_its_own_english() -> None:
    assert refusal_of("ours says no", language="fr") == Reason("ours says no", "en")
    assert refusal_of("closed_on is before opened_on", language="en").language == "en"
