"""Facts in, messages out: the same in both languages and in every format."""

from __future__ import annotations

import pytest

from encours.alerts.notices import Finding, Notice, Quantity, from_json, render
from encours.alerts.texts import ENGLISH, FRENCH

HOLD = Notice(
    "hold",
    run_id="20260331T010203-abcdef",
    as_of_date="2026-03-31",
    findings=(
        Finding(
            "mart_dso / dso_is_plausible",
            observed=Quantity("3", "rows"),
            expected=Quantity("0", "rows"),
            why="A DSO of years is wrong.",
            entity_ids=("lyon",),
        ),
    ),
)
LINK = "http://127.0.0.1:8080/encours/gate?run=20260331T010203-abcdef"


def told(notice: Notice, language: str = "en", link: str | None = None) -> str:
    return render(notice, language=language, time_zone="Europe/Paris", link=link).text


def test_both_languages_say_the_same_things() -> None:
    fields = "{}"
    assert FRENCH.keys() == ENGLISH.keys()
    for key, text in FRENCH.items():
        counts = [sum(one.count(mark) for mark in fields) for one in (text, ENGLISH[key])]
        assert counts[0] == counts[1], key


def test_hold_says_what_failed_both_numbers_the_entity_the_page_and_what_to_do() -> None:
    assert told(HOLD, link=LINK).replace("\u00a0", " ") == (
        "The checks held the run. The published figures stay those of the last publication.\n\n"
        "What failed:\n"
        "- mart_dso / dso_is_plausible (Entity: lyon)\n"
        "  observed: 3 rows · expected: 0 rows\n"
        "  A DSO of years is wrong.\n\n"
        "As of: 2026-03-31\n"
        "Run: 20260331T010203-abcdef\n"
        f"Gate page: {LINK}\n\n"
        "What to do: Mend the data at the source and load them again; or, if the figures are right,"
        ' publish them with: encours release 20260331T010203-abcdef --reason "…"'
    )


def test_hold_is_told_in_french() -> None:
    message = render(HOLD, language="fr", time_zone="Europe/Paris", link=LINK)

    assert message.subject.replace("\u00a0", " ") == "[Encours] Publication retenue, 1 contrôle"
    text = message.text.replace("\u00a0", " ")
    assert "constaté : 3 lignes · attendu : 0 ligne" in text
    assert "Arrêté au : 31/03/2026" in text
    assert "Société : lyon" in text


def test_reason_of_a_known_check_is_told_in_the_language_of_the_message() -> None:
    none, why = Quantity("0", "rows"), "A DSO of years is wrong."
    notice = Notice(
        "hold", findings=(Finding("mart_dso / dso_is_between_zero_and_ten_years", none, none, why),)
    )

    assert "Un DSO qui n’est pas entre 0 et 3\u202f660 jours signale un client" in told(
        notice, "fr"
    )
    assert why not in told(notice, "fr")
    assert why in told(notice, "en")


def test_reason_that_nobody_put_into_french_is_told_in_english() -> None:
    assert "A DSO of years is wrong." in told(HOLD, "fr")


def test_large_counts_are_grouped() -> None:
    many = Finding("x", Quantity("12345", "rows"), Quantity("0", "rows"))

    assert "12\u202f345 lignes" in told(Notice("hold", findings=(many,)), "fr").replace(
        "\u00a0", " "
    )


def test_link_is_left_out_where_no_page_is_served() -> None:
    message = render(HOLD, language="en", time_zone="Europe/Paris")

    assert "Gate page" not in message.text + message.markdown + message.html


def test_html_shows_what_it_is_given_as_text() -> None:
    notice = Notice("failure", dag_id="ingest_odoo", error="<script>alert(1)</script>")

    shown = render(notice, language="en", time_zone="Europe/Paris").html

    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown


def test_markdown_keeps_underscores_of_names() -> None:
    shown = render(HOLD, language="en", time_zone="Europe/Paris").markdown

    assert "mart\\_dso / dso\\_is\\_plausible" in shown


@pytest.mark.parametrize(
    ("quantity", "french", "english"),
    [
        (Quantity("0.3125", "ratio", "at_most"), "31,2 % au plus", "31.2% at most"),
        (Quantity("1", "days"), "1 jour", "1 day"),
        (Quantity("0", "rows"), "0 ligne", "0 rows"),
        (Quantity("12.50", "days"), "12,50 jours", "12.50 days"),
        (Quantity("10", "number", high="2000"), "de 10 à 2\u202f000", "10 to 2,000"),
        (
            Quantity("2026-01-05T06:00:00+00:00", "moment", "before"),
            "avant 05/01/2026 à 07:00 (Europe/Paris)",
            "before 2026-01-05, 07:00 (Europe/Paris)",
        ),
    ],
)
def test_quantities_are_written_as_each_language_does(
    quantity: Quantity, french: str, english: str
) -> None:
    notice = Notice("hold", findings=(Finding("x", quantity, Quantity("1", "rows")),))

    for language, expected in (("fr", french), ("en", english)):
        assert expected in told(notice, language).replace("\u00a0", " ")


def test_long_list_is_cut_and_says_how_many_more() -> None:
    many = tuple(
        Finding(f"table / check_{number}", Quantity("1", "rows"), Quantity("0", "rows"))
        for number in range(20)
    )

    text = told(Notice("hold", findings=many))

    assert "check_14" in text
    assert "check_15" not in text
    assert "and 5 more" in text


def test_recovery_says_how_long_it_lasted() -> None:
    notice = Notice(
        "failure",
        stage="recovered",
        dag_id="ingest_odoo",
        entity_id="lyon",
        opened_at="2026-03-01T02:00:00+00:00",
        closed_at="2026-03-06T02:10:00+00:00",
        seen_count=5,
    )
    message = render(notice, language="en", time_zone="Europe/Paris")

    assert message.subject == "[Encours] Working again: reading of odoo (lyon)"
    assert message.notify_type == "success"
    lasted = "from 2026-03-01, 03:00 (Europe/Paris) to 2026-03-06, 03:10 (Europe/Paris), 5 times"
    assert lasted in message.text.replace("\u00a0", " ")


def test_notice_comes_back_from_json_as_it_was() -> None:
    assert from_json(HOLD.to_json()) == HOLD
