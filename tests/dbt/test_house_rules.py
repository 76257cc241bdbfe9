"""Rules of the house that hold for every file of the dbt project; no database, no dbt."""

from __future__ import annotations

import re

from dbt_project_files import MACROS, MODELS, PROJECT, TESTS, code_of, failing

SQL_FILES = [*MODELS, *MACROS, *TESTS]
# How dbt makes a relation is a statement by nature.
EXPRESSIONS = [path for path in MACROS if path.name != "materializations.sql"]
EQUATIONS = [path for path in TESTS if path.parent.name == "tests"]


def lacks(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is None


def test_the_project_has_models_macros_and_equations() -> None:
    assert len(MODELS) > 60
    assert len(MACROS) > 5
    assert len(EQUATIONS) > 10


def test_models_state_their_grain_in_the_first_line() -> None:
    assert failing(MODELS, lambda text: re.match(r"-- grain: one row( per \S+|: )", text)) == []


def test_models_have_no_jinja_control_flow() -> None:
    assert failing(MODELS, lambda text: "{%" not in text) == []


def test_models_end_by_selecting_their_final_step() -> None:
    ending = "\n)\n\nselect * from final"

    assert failing(MODELS, lambda text: text.rstrip().endswith(ending)) == []


def test_models_ask_the_database_nothing_while_compiling() -> None:
    asks = r"get_columns_in_relation|run_query|load_result|statement\(|dbt_utils|\bexecute\b"

    assert failing([*MODELS, *EXPRESSIONS], lambda text: lacks(asks, text)) == []


def test_models_spell_out_their_joins() -> None:
    kinds = r"(?<!inner )(?<!left )(?<!cross )(?<!full outer )\bjoin\b|\bright join\b|\bnatural\b"

    assert failing(SQL_FILES, lambda text: lacks(kinds, code_of(text))) == []


def test_sql_does_not_read_the_clock() -> None:
    clock = r"\b(current_date|current_timestamp|localtimestamp|now|getdate|clock_timestamp)\b"

    assert failing(SQL_FILES, lambda text: lacks(clock, code_of(text))) == []


def test_numbers_that_builds_compare_do_not_tell_when_a_row_was_loaded() -> None:
    def digests(text: str) -> list[str]:
        return re.findall(r"row_digest\(\[.*?\]\)", text, re.DOTALL)

    assert any(digests(path.read_text()) for path in MODELS)
    assert failing(MODELS, lambda text: lacks("known_at", " ".join(digests(text)))) == []


def test_sql_has_no_floating_point_money() -> None:
    floats = r"\b(float\d*|real|double)\b"

    assert failing(SQL_FILES, lambda text: lacks(floats, code_of(text))) == []


def test_sql_is_lower_case() -> None:
    assert failing(SQL_FILES, lambda text: lacks("[A-Z]", code_of(text))) == []


def test_sql_lines_fit_100_columns() -> None:
    assert failing(SQL_FILES, lambda text: max(map(len, text.splitlines())) <= 100) == []


def test_macros_are_short_enough_to_be_expressions() -> None:
    def are_short(text: str) -> bool:
        bodies = re.findall(r"{% macro .*?{%-? endmacro %}", text, flags=re.DOTALL)
        return bool(bodies) and max(body.count("\n") for body in bodies) <= 10

    assert failing(EXPRESSIONS, are_short) == []


def test_equations_state_their_rule_and_where_it_comes_from() -> None:
    def states_both(text: str) -> bool:
        header = " ".join(re.findall(r"^-- (.*)", re.split(r"(?m)^(?!--)", text)[0], re.MULTILINE))
        return header.startswith("Rule: ") and "Source: " in header

    assert failing(EQUATIONS, states_both) == []


def test_no_dbt_package_is_installed_at_run_time() -> None:
    assert not (PROJECT / "packages.yml").exists()
    assert not (PROJECT / "dependencies.yml").exists()
