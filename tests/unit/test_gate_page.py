"""The gate page without a server: who sees what, who may act, and that no text becomes markup."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from typing import Any

import pytest
from source_texts import fields, fits, parsed, texts_in
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount
from starlette.testclient import TestClient

from encours.errors import BadInput, RetryableError
from encours.gate_page.access import NotSignedIn, Visitor
from encours.gate_page.app import make_app
from encours.gate_page.rendering import TEMPLATES
from encours.gate_page.wording import (
    FRENCH_OBSERVED,
    FRENCH_STATUS,
    FRENCH_UNCHECKED,
    FRENCH_UNDECIDED,
    WORDS,
    Wording,
)
from encours.quality.suites import load_suites
from encours.quality.verdict import NOTHING_CHECKED, decide
from encours.settings import project_root
from encours.warehouse import ledger

TIMEOUT = "timeout: the database took longer than allowed"
MOMENT = datetime(2026, 7, 1, 4, 12, tzinfo=UTC)
HELD_RUN = "20260701T041200-9f3ac1"
PACKAGE = project_root() / "include" / "encours"
SUITES = load_suites(project_root() / "expectations")
CONTROLLER = Visitor("7", "claire", may_read=True, may_decide=True)
VIEWER = Visitor("8", "paul", may_read=True, may_decide=False)
OUTSIDER = Visitor("9", "zoe", may_read=False, may_decide=False)
HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'><!--"


def publication(**changes: Any) -> dict[str, Any]:
    return {
        "publication_row": 5,
        "publication_id": "pub-000005",
        "run_id": "20260630T0312-aa",
        "action": "publish",
        "as_of_date": date(2026, 6, 30),
        "known_on": MOMENT,
        "published_at": MOMENT,
        "published_by": "build_receivables",
        "reason": None,
        **changes,
    }


def check(**changes: Any) -> dict[str, Any]:
    return {
        "table_name": "mart_tie_out",
        "check_name": "receivables_agree_with_the_ledger",
        "severity": "critical",
        "state": "failed",
        "observed_value": "98765.43, in the ledger 111111.10, difference 12345.67",
        "expected": ("111111.10", "111111.10"),
        "unit": "number",
        "details": "",
        "sample_columns": ("entity_id", "account", "as_of_date"),
        "sample_keys": ("fr|411000|2026-06-30",),
        "why": "The open items differ from the control account.",
        **changes,
    }


def judged(run_id: str = HELD_RUN, **changes: Any) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "status": "held",
        "as_of_date": date(2026, 6, 30),
        "known_on": MOMENT,
        "finished_at": MOMENT,
        "error": None,
        "is_waiting": True,
        "reasons": [],
        "checks": [check()],
        "warnings": [],
        "rejected_rows": [],
        "rejected_count": 0,
        **changes,
    }


def coverage(**changes: Any) -> dict[str, Any]:
    return {
        "entity_id": "fr",
        "source": "files",
        "stream": "documents",
        "first_business_date": date(2025, 1, 1),
        "last_business_date": date(2026, 6, 29),
        "last_extracted_at": MOMENT,
        "row_count": 12345,
        "is_stale": False,
        **changes,
    }


@dataclass
class FakeGate:
    """What stands, and what was done to it."""

    current: dict[str, Any] | None = field(default_factory=publication)
    earlier: dict[str, Any] | None = field(
        default_factory=lambda: publication(
            publication_id="pub-000004", as_of_date=date(2026, 5, 31)
        )
    )
    runs: dict[str, dict[str, Any]] = field(default_factory=lambda: {HELD_RUN: judged()})
    freshness: list[dict[str, Any]] = field(default_factory=list)
    extractions: list[dict[str, Any]] = field(default_factory=list)
    ledger: list[dict[str, Any]] = field(default_factory=list)
    channels: list[dict[str, Any]] = field(default_factory=list)
    done: list[tuple[Any, ...]] = field(default_factory=list)
    refusal: Exception | None = None

    def status(self) -> dict[str, Any]:
        held = next((run for run in self.runs.values() if run["is_waiting"]), None)
        return {
            "publication": self.current,
            "publications": self.ledger,
            "earlier": self.earlier,
            "held": held,
            "runs": [],
            "extractions": self.extractions,
            "freshness": self.freshness,
            "time_zone": "Europe/Paris",
            "channels": self.channels,
        }

    def judged_run(self, run_id: str | None) -> dict[str, Any] | None:
        return self.runs.get(run_id) if run_id else next(iter(self.runs.values()), None)

    def release(self, run_id: str, *, by: str, reason: str, seen: int) -> None:
        self._do("release", run_id, by, reason, seen)

    def roll_back(self, *, by: str, reason: str, seen: int) -> None:
        self._do("rollback", "", by, reason, seen)

    def _do(self, *act: Any) -> None:
        if self.refusal:
            raise self.refusal
        self.done.append(act)


@dataclass
class FakeAccess:
    who: Visitor | None

    async def visitor(self, request: Request) -> Visitor:
        del request
        if self.who is None:
            raise NotSignedIn
        return self.who

    def login_path(self, request: Request, back_to: str) -> str:
        del request
        return f"/login?next={back_to}"


@dataclass
class Browser:
    """One visitor's browser on the page, mounted as Airflow mounts it."""

    gate: FakeGate
    access: FakeAccess
    client: TestClient

    def get(self, path: str = "gate", **headers: str) -> Any:
        return self.client.get(f"/encours/{path}", headers=headers)

    def post(self, path: str, form: Mapping[str, str], **headers: str) -> Any:
        return self.client.post(f"/encours/{path}", data=dict(form), headers=headers)

    def token(self, **form: str) -> str:
        page = self.post("gate/confirm", {"reason": "seen with the auditor", **form})
        assert page.status_code == 200, page.text
        found = re.search(r'name="token" value="([^"]+)"', page.text)
        assert found
        return found[1]


def browse(
    who: Visitor | None = CONTROLLER, gate: FakeGate | None = None, language: str = "fr"
) -> Browser:
    shown, access = gate or FakeGate(), FakeAccess(who)
    app = make_app(shown, access, signing_key="key of this test", language=language)
    mounted = Starlette(routes=[Mount("/encours", app=app)])
    client = TestClient(mounted, follow_redirects=False, raise_server_exceptions=False)
    return Browser(shown, access, client)


RELEASE = {"action": "release", "run": HELD_RUN}
ROLLBACK = {"action": "rollback"}


class Markup(HTMLParser):
    """The elements and attributes of a page, as a browser would read them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes.extend(name for name, _ in attrs)


# --- who sees what -----------------------------------------------------------------------------


def test_stranger_is_sent_to_the_sign_in_and_back_to_the_run() -> None:
    answer = browse(None).get(f"gate?run={HELD_RUN}")

    assert answer.status_code == 303
    assert answer.headers["location"] == f"/login?next=/encours/gate?run={HELD_RUN}"
    assert answer.text == ""


def test_sign_in_leads_back_to_nothing_but_a_run() -> None:
    answer = browse(None).get("gate?run=//elsewhere.example/%0d%0aX:1")

    assert answer.headers["location"] == "/login?next=/encours/gate"


@pytest.mark.parametrize("step", ["confirm", "decide"])
def test_form_of_a_stranger_is_refused_and_nothing_is_done(step: str) -> None:
    browser = browse(None)

    answer = browser.post(f"gate/{step}", {**RELEASE, "reason": "because", "token": "x"})

    assert answer.status_code == 401
    assert "/login" in answer.text
    assert browser.gate.done == []


def test_who_may_not_read_is_told_so_and_sees_nothing() -> None:
    answer = browse(OUTSIDER).get()

    assert answer.status_code == 403
    assert "pub-000005" not in answer.text
    assert HELD_RUN not in answer.text


def test_viewer_sees_what_is_held_and_no_form() -> None:
    answer = browse(VIEWER).get()

    assert answer.status_code == 200
    assert HELD_RUN in answer.text
    assert "release_held" in answer.text
    assert "form" not in Markup(answer.text).elements


@pytest.mark.parametrize("step", ["confirm", "decide"])
@pytest.mark.parametrize("act", [RELEASE, ROLLBACK])
def test_viewer_may_not_act_even_with_the_form_of_another(step: str, act: dict[str, str]) -> None:
    gate = FakeGate()
    token = browse(CONTROLLER, gate).token(**act)

    answer = browse(VIEWER, gate).post(f"gate/{step}", {**act, "reason": "because", "token": token})

    assert answer.status_code == 403
    assert gate.done == []


# --- what is shown -----------------------------------------------------------------------------


def test_held_run_shows_each_check_with_what_was_seen_and_what_was_expected() -> None:
    rows = check(check_name="rows_are_there", observed_value="3 rows", expected=None)
    gate = FakeGate(runs={HELD_RUN: judged(checks=[check(), rows])})

    page = browse(gate=gate).get().text

    assert "2 contrôles retiennent la publication" in page
    assert "écart de 12\u202f345,67" in page
    assert "<dd>111\u202f111,10</dd>" in page
    assert "aucune ligne" in page
    assert "entity_id|account|as_of_date" in page
    assert "fr|411000|2026-06-30" in page
    assert "The open items differ from the control account." in page


@pytest.mark.parametrize(
    ("limits", "unit", "told"),
    [
        (("1", "5000"), "number", "de 1 à 5\u202f000"),
        (("0.5", None), "number", "au moins 0,5"),
        ((None, "120"), "days", "au plus 120 jours"),
        (("2026-06-30", "2026-06-30"), "day", "30 juin 2026"),
        (("2026-06-30T18:05:00+00:00", None), "moment", "au moins 30 juin 2026, 18:05"),
        (None, "number", "aucune ligne"),
    ],
)
def test_what_was_expected_is_told_with_its_unit(
    limits: tuple[str | None, str | None] | None, unit: str, told: str
) -> None:
    assert Wording("fr").expected(limits, unit) == told


@pytest.mark.parametrize(
    ("observed", "french", "english"),
    [
        ("1 row", "1 ligne", "1 row"),
        ("5 of 2000 rows", "5 lignes sur 2\u202f000", "5 of 2,000 rows"),
        (
            "5120.50 after 300.20 in EUR, change 17.057, limit 3 and 1 more",
            "5\u202f120,50 contre 300,20 en EUR, variation 17,057, limite 3, et 1 de plus",
            "5,120.50 after 300.20 in EUR, change 17.057, limit 3, and 1 more",
        ),
        (
            "9 after 3, change 2, announced: we sold 2000 of them after all",
            "9 contre 3, variation 2, annoncé\u00a0: we sold 2000 of them after all",
            "9 after 3, change 2, announced: we sold 2000 of them after all",
        ),
        (
            "until 2026-01-31, announced: new terms",
            "jusqu’au 2026-01-31, annoncé\u00a0: new terms",
            "until 2026-01-31, announced: new terms",
        ),
        ("source: 12.50 EUR, here: 10 EUR", "source\u00a0: 12,50 EUR, ici\u00a0: 10 EUR",
         "source: 12.50 EUR, here: 10 EUR"),
        ("3 days old, limit 2", "3 jours, limite 2", "3 days old, limit 2"),
        ("left open 1200.50", "restent ouverts 1\u202f200,50", "left open 1,200.50"),
        ("not explained 0.30", "inexpliqués 0,30", "not explained 0.30"),
        ("failed", "en échec", "failed"),
        (
            "last rate of USD to EUR is of 2026-03-01, 30 days before 2026-03-31"
            ": deliver exchange_rates up to that day",
            "le dernier cours de USD pour EUR est du 2026-03-01, 30 jours avant le 2026-03-31"
            "\u00a0: livrez exchange_rates jusqu’à ce jour",
            "last rate of USD to EUR is of 2026-03-01, 30 days before 2026-03-31"
            ": deliver exchange_rates up to that day",
        ),
        ("a rule of our own saw 3 of 9", "a rule of our own saw 3 of 9",
         "a rule of our own saw 3 of 9"),
    ],
)  # fmt: skip
def test_what_was_seen_is_told_in_the_language_of_the_page(
    observed: str, french: str, english: str
) -> None:
    assert Wording("fr").observed(observed) == french
    assert Wording("en").observed(observed) == english


def answers_of(model: str, column: str) -> list[str]:
    """What a model gives in a column that a choice makes, of which the checks read it."""
    text = (project_root() / "dbt_project" / "models" / "intermediate" / model).read_text()
    before = text.partition(f" as {column}\n")[0]
    # The choice begins a column, which is indented by two steps.
    choice = before[before.rindex("\n        case ") :]
    return re.findall(r"(?s)\b(?:then|else)\b(.*?)(?=\bwhen\b|\belse\b|\bend\b)", choice)


def test_words_between_the_figures_of_every_check_are_known_in_french() -> None:
    checks = [one for suite in SUITES for one in suite.expectations]
    # The expression before `as observed`, over as many lines as begin with its operator.
    shown = [
        found[0]
        for one in checks
        for found in re.finditer(r"[^\n]*(?:\n\s*\|\|[^\n]*)*\bas observed\b", one.query)
    ]
    shown += [re.split(r"\sfrom\s", one.observe)[0] for one in checks if one.observe]
    shown += answers_of("gate/int_drift.sql", "told")
    shown += answers_of("ageing/int_revaluation_rates.sql", "what_to_do")
    without_keys = [re.sub(r"->> '\w+'", "", one) for one in shown]
    literals = ["1".join(re.findall(r"'([^']*)'", one)) for one in without_keys]
    texts = [f"1{text}1" if text.endswith(" ") else f"1{text}" for text in literals if text]
    words = set(re.findall(r"[^\W\d_]+", " ".join(FRENCH_OBSERVED.values()))) | {"annoncé"}

    told = [Wording("fr").observed(text) for text in texts]

    assert len(told) > 60
    unknown = {word for text in told for word in re.findall(r"[^\W\d_]+", text)} - words
    assert unknown == set()


def said_by(module: str, *functions: str) -> set[str]:
    """What these functions raise or return: of an error, with how to mend it."""
    wanted = [
        node
        for node in ast.walk(parsed(PACKAGE / module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name in functions
    ]
    assert len(wanted) == len(functions)
    found = set()
    for node in (one for function in wanted for one in ast.walk(function)):
        texts = list(texts_in(node)) if isinstance(node, ast.Raise | ast.Return) else []
        if texts:
            found.add(texts[0] if len(texts) == 1 else f"{texts[0]} ({texts[1]})")
    return found


def not_in_french(said: set[str], sentences: Mapping[str, str]) -> list[str]:
    return [text for text in said if not any(fits(text, one) for one in sentences)]


def test_what_the_gate_says_of_a_check_without_an_answer_is_known_in_french() -> None:
    said = said_by("quality/checkpoint.py", "_explain", "_unreachable") | {NOTHING_CHECKED}
    for node in ast.walk(parsed(PACKAGE / "quality" / "checkpoint.py")):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "_not_checked":
            said.update(texts_in(node))

    assert {"no answer", "table {}.{} does not exist"} < said
    # The library's own words for a batch are cut out.
    assert not_in_french(said - {" in BatchData"}, FRENCH_UNCHECKED) == []


def test_why_a_decision_came_to_nothing_is_known_in_french() -> None:
    said = said_by("orchestration/control.py", "stated")
    said |= said_by("gate_page/app.py", "confirm")
    said |= said_by(
        "warehouse/publication.py",
        *("lock_build", "release_candidate", "rollback_publication"),
        *("_check_candidate", "_check_seen", "_swap_in"),
    )

    assert len(said) > 9
    assert not_in_french(said, FRENCH_UNDECIDED) == []


def test_sentences_of_the_gate_have_the_same_fields_in_both_languages() -> None:
    both = {**FRENCH_UNCHECKED, **FRENCH_UNDECIDED}

    assert [one for one, other in both.items() if fields(one) != fields(other)] == []


def test_verdict_without_a_result_is_told_in_french() -> None:
    reasons = decide([], expected=[("mart_dso", "every_date_is_there")]).reasons

    assert {Wording("fr").told(reason).language for reason in reasons} == {"fr"}


def test_every_end_of_a_reading_is_known_in_french() -> None:
    (statuses,) = re.findall(
        r"extraction_status_check check \(status in\s*\(([^)]*)\)", ledger.SCHEMA
    )

    assert set(re.findall(r"'(\w+)'", statuses)) == FRENCH_STATUS.keys()


def test_check_that_could_not_run_says_so_and_why() -> None:
    silent = check(state="not_checked", observed_value=None, details=TIMEOUT, sample_keys=[])
    gate = FakeGate(runs={HELD_RUN: judged(checks=[silent])})

    page = browse(gate=gate).get().text

    assert "non contrôlé" in page
    assert "<code>mart_tie_out / receivables_agree_with_the_ledger</code>" in page
    assert "délai dépassé" in page


def test_reason_without_a_result_is_shown_beside_the_checks() -> None:
    reasons = [
        "mart_tie_out: receivables_agree_with_the_ledger: failed: difference",
        "mart_dso: every_date_is_there: not checked: it reported no result",
    ]
    gate = FakeGate(runs={HELD_RUN: judged(reasons=reasons)})

    page = browse(gate=gate).get().text

    assert "mart_dso, every_date_is_there\u00a0: non contrôlé, aucun résultat" in page
    assert "ledger: failed: difference" not in page


def test_rejected_rows_are_shown_with_file_line_and_column() -> None:
    row = {
        "stream": "allocations",
        "file_name": "allocations.csv",
        "line_no": 182,
        "column_name": "document_id",
        "reason": "document D-7 is not in documents: add it there",
    }
    gate = FakeGate(runs={HELD_RUN: judged(rejected_rows=[row], rejected_count=31)})

    page = browse(gate=gate).get().text

    assert all(text in page for text in ("allocations.csv", "182", "document_id"))
    assert "<span>pièce D-7 absente de documents\u00a0: ajoutez-l’y</span>" in page
    assert "Lignes montrées\u00a0: 1 sur 31" in page


def test_run_that_was_replaced_cannot_be_released() -> None:
    gate = FakeGate(runs={HELD_RUN: judged(is_waiting=False)})

    answer = browse(gate=gate).get(f"gate?run={HELD_RUN}")

    assert "plus récente" in answer.text
    assert 'value="release"' not in answer.text


@pytest.mark.parametrize("run", ["no-such-run", "%00", "..%2F..%2Fsecrets", "a" * 500])
def test_unknown_run_is_not_found(run: str) -> None:
    assert browse().get(f"gate?run={run}").status_code == 404


def test_empty_name_of_a_run_means_the_overview() -> None:
    answer = browse().get("gate?run=")

    assert answer.status_code == 200
    assert "L’exécution demandée" not in answer.text
    assert HELD_RUN in answer.text


def test_nothing_published_yet_is_said() -> None:
    page = browse(gate=FakeGate(current=None, earlier=None, runs={})).get().text

    assert "Rien n’est encore publié" in page


def test_ledger_tells_who_and_why() -> None:
    row = publication(action="release", published_by="claire", reason="avoir de mai saisi en juin")

    page = browse(gate=FakeGate(current=row, ledger=[row])).get().text

    assert "publiée sur décision" in page
    assert page.count("avoir de mai saisi en juin") == 2


def test_stale_and_failing_sources_are_marked() -> None:
    gate = FakeGate(
        freshness=[coverage(source="fec", is_stale=True), coverage()],
        extractions=[
            {"source": "odoo", "entity_id": "lyon", "stream": "invoices", "status": "failed",
             "error": "no answer in time"},
            {"source": "files", "entity_id": None, "stream": "delivery", "status": "loaded",
             "error": None},
        ],
    )  # fmt: skip

    page = browse(gate=gate).get().text

    assert page.count("périmé") == 1
    assert page.count("à jour") == 1
    assert "lecture en échec" in page
    assert '<code>invoices</code> <span lang="en">no answer in time</span>' in page
    assert "12\u202f345" in page


def test_channel_that_is_broken_is_marked_with_what_waits() -> None:
    works = {"channel": "mail", "last_delivered_at": MOMENT, "error": None, "undelivered_count": 0}
    broken = {"channel": "teams", "last_delivered_at": None, "error": "refused: 404",
              "undelivered_count": 3}  # fmt: skip

    page = browse(gate=FakeGate(channels=[works, broken])).get().text

    assert page.count("en service") == 1
    assert "en panne, 3 message(s) en attente" in page
    assert "refused: 404" in page


def test_days_and_hours_are_those_of_the_entities() -> None:
    page = browse().get().text

    assert "30 juin 2026" in page
    assert "1 juil. 2026, 06:12" in page
    assert "Europe/Paris" in page


def test_reason_of_a_check_is_told_in_the_language_of_the_page() -> None:
    told = {language: browse(language=language).get().text for language in ("fr", "en")}

    assert "<span>La somme des postes ouverts diffère du solde du compte collectif" in told["fr"]
    assert "The open items differ from the control account." not in told["fr"]
    assert "<span>The open items differ from the control account.</span>" in told["en"]


def test_reason_that_nobody_put_into_french_is_marked_as_english() -> None:
    own = judged(checks=[check(check_name="our_own_rule", why="Ours.")])

    page = browse(gate=FakeGate(runs={HELD_RUN: own})).get().text

    assert '<span lang="en">Ours.</span>' in page


def test_page_speaks_english_when_asked() -> None:
    page = browse(language="en").get().text

    assert '<html lang="en">' in page
    assert "A publication is held" in page
    assert "difference 12,345.67" in page


def test_both_languages_say_the_same_things() -> None:
    assert WORDS["fr"].keys() == WORDS["en"].keys()
    fields = {
        language: {name: set(re.findall(r"\{(\w+)\}", text)) for name, text in words.items()}
        for language, words in WORDS.items()
    }
    assert fields["fr"] == fields["en"]


def test_every_word_is_used() -> None:
    texts = [path.read_text() for path in TEMPLATES.iterdir()]
    used = " ".join([*texts, *(path.read_text() for path in TEMPLATES.parent.glob("*.py"))])
    # Put together in a template: t["state_" ~ run.status].
    families = re.findall(r't\["(\w+_)" ~', used)

    unused = {
        name
        for name in WORDS["fr"]
        if not re.search(rf"\bt\.{name}\b|words\[\"{name}\"|\"{name}\"(?!:)", used)
        and not name.startswith(tuple(families))
        and not name.endswith("_text")
    }

    assert unused == set()


def test_page_of_a_held_run_holds_no_english() -> None:
    row = {
        "stream": "documents",
        "file_name": "documents.csv",
        "line_no": 3,
        "column_name": "due_date",
        "reason": "closed_on is before opened_on",
    }
    silent = check(state="not_checked", observed_value=None, details=TIMEOUT)
    rules = check(table_name="across_models", check_name="ratios_are_shares", observed_value="7")
    reasons = [NOTHING_CHECKED, "mart_dso: every_date_is_there: not checked: it reported no result"]
    run = judged(
        checks=[silent, rules],
        warnings=[check(severity="warning")],
        reasons=reasons,
        rejected_rows=[row],
        rejected_count=1,
    )
    lost = {
        "source": "odoo",
        "entity_id": "lyon",
        "stream": "invoices",
        "status": "incomplete",
        "error": None,
    }
    gate = FakeGate(runs={HELD_RUN: run}, freshness=[coverage()], extractions=[lost])

    page = browse(gate=gate).get().text

    assert 'lang="en"' not in page.replace('<span lang="en"></span>', "")
    assert "lecture incomplète" in page
    assert "entre les tables" in page


@pytest.mark.parametrize("path", ["nowhere", "gate/x/y"])
def test_page_that_does_not_exist_is_told_in_the_language_of_the_page(path: str) -> None:
    answer = browse().get(path)

    assert answer.status_code == 404
    assert "Cette page n’existe pas" in answer.text


# --- acting ------------------------------------------------------------------------------------


def test_release_is_confirmed_then_done_in_the_name_of_the_visitor() -> None:
    browser = browse()
    token = browser.token(**RELEASE)

    answer = browser.post("gate/decide", {"token": token, "reason": "seen with the auditor"})

    assert browser.gate.done == [("release", HELD_RUN, "claire", "seen with the auditor", 5)]
    assert answer.status_code == 303
    assert answer.headers["location"] == "/encours/gate?done=release"


def test_rollback_is_confirmed_then_done() -> None:
    browser = browse()
    token = browser.token(**ROLLBACK)

    browser.post("gate/decide", {"token": token, "reason": "wrong file"})

    assert browser.gate.done == [("rollback", "", "claire", "wrong file", 5)]


def test_confirmation_changes_nothing_and_shows_both_publications() -> None:
    browser = browse()

    page = browser.post("gate/confirm", {**ROLLBACK, "reason": "wrong  file\n"}).text

    assert browser.gate.done == []
    assert "pub-000005" in page
    assert "pub-000004" in page
    assert "wrong file" in page


@pytest.mark.parametrize("reason", ["", "  ", "ok", "\n\t\x00 x", "long " * 300])
def test_act_without_a_reason_is_asked_for_one(reason: str) -> None:
    browser = browse()

    answer = browser.post("gate/confirm", {**RELEASE, "reason": reason})

    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert 'name="token"' not in answer.text


def test_what_was_done_is_told_only_while_it_stands() -> None:
    gate = FakeGate(current=publication(action="release"), runs={})

    assert "Publié\u00a0: pub-000005" in browse(gate=gate).get("gate?done=release").text
    assert "Retour effectué" not in browse(gate=gate).get("gate?done=rollback").text
    assert browse(gate=gate).get(f"gate?done={HOSTILE}").status_code == 200


def test_refusal_of_the_gate_is_told_with_its_line() -> None:
    browser = browse()
    token = browser.token(**ROLLBACK)
    browser.gate.refusal = BadInput("run 7 is not held", mend="see status")

    answer = browser.post("gate/decide", {"token": token, "reason": "wrong file"})

    assert answer.status_code == 409
    assert "l’exécution 7 n’est pas retenue" in answer.text


def test_busy_warehouse_is_told_and_may_be_asked_again() -> None:
    browser = browse()
    token = browser.token(**RELEASE)
    browser.gate.refusal = RetryableError("another build of this warehouse is running")

    assert browser.post("gate/decide", {"token": token, "reason": "fine"}).status_code == 503


def test_release_of_another_run_than_the_held_one_is_not_offered() -> None:
    answer = browse().post("gate/confirm", {"action": "release", "run": "r2", "reason": "fine"})

    assert answer.status_code == 409


def test_reload_of_a_step_leads_to_the_overview() -> None:
    answer = browse().get("gate/decide")

    assert (answer.status_code, answer.headers["location"]) == (303, "/encours/gate")


# --- forms of others ---------------------------------------------------------------------------


def test_form_without_the_token_of_the_page_is_refused() -> None:
    browser = browse()

    for token in ("", "forged", f"x{browser.token(**RELEASE)}"):
        answer = browser.post("gate/decide", {**RELEASE, "token": token, "reason": "because"})
        assert answer.status_code == 403

    assert browser.gate.done == []


def test_token_given_to_another_person_is_refused() -> None:
    gate = FakeGate()
    token = browse(CONTROLLER, gate).token(**RELEASE)
    other = replace(CONTROLLER, user_id="77", name="jean")

    answer = browse(other, gate).post("gate/decide", {"token": token, "reason": "because"})

    assert answer.status_code == 403
    assert gate.done == []


def test_token_of_an_hour_ago_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import itsdangerous.timed

    browser = browse()
    token = browser.token(**RELEASE)
    issued = itsdangerous.timed.time.time()
    monkeypatch.setattr(itsdangerous.timed.time, "time", lambda: issued + 3700)

    assert browser.post("gate/decide", {"token": token, "reason": "late"}).status_code == 403
    assert browser.gate.done == []


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_form_that_another_site_sends_is_refused_even_with_a_token(site: str) -> None:
    browser = browse()
    token = browser.token(**RELEASE)

    answer = browser.post(
        "gate/decide", {"token": token, "reason": "because"}, **{"sec-fetch-site": site}
    )

    assert answer.status_code == 403
    assert browser.gate.done == []


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x"])
def test_only_a_plain_form_is_read(content_type: str) -> None:
    browser = browse()

    answer = browser.client.post(
        "/encours/gate/decide", content=b"token=x", headers={"content-type": content_type}
    )

    assert answer.status_code == 403


def test_form_larger_than_the_page_makes_is_not_read() -> None:
    answer = browse().post("gate/confirm", {**RELEASE, "reason": "x" * 40_000})

    assert answer.status_code == 403


# --- hostile texts -----------------------------------------------------------------------------


def hostile_gate() -> FakeGate:
    bad = check(
        **dict.fromkeys(("table_name", "check_name", "observed_value", "details", "why"), HOSTILE),
        sample_keys=[HOSTILE],
    )
    row = dict.fromkeys(("stream", "file_name", "column_name", "reason"), HOSTILE)
    current = publication(
        publication_id=HOSTILE, run_id=HOSTILE, action="release", published_by=HOSTILE,
        reason=HOSTILE,
    )  # fmt: skip
    run = judged(
        checks=[bad, {**bad, "state": "not_checked"}],
        warnings=[{**bad, "severity": "warning"}],
        rejected_rows=[{**row, "line_no": 1}],
        rejected_count=1,
        reasons=[HOSTILE],
        error=HOSTILE,
    )
    return FakeGate(
        current=current,
        earlier=current,
        ledger=[current],
        runs={HELD_RUN: run},
        freshness=[coverage(entity_id=HOSTILE, source=HOSTILE, stream=HOSTILE)],
        extractions=[
            {"source": HOSTILE, "entity_id": HOSTILE, "stream": HOSTILE, "status": "failed",
             "error": HOSTILE}
        ],
        channels=[
            {"channel": HOSTILE, "last_delivered_at": None, "error": HOSTILE,
             "undelivered_count": 1}
        ],
    )  # fmt: skip


def test_texts_of_the_data_never_become_markup() -> None:
    harmless = browse(gate=FakeGate(freshness=[coverage()])).get().text
    hostile = replace(CONTROLLER, name=HOSTILE)
    browser = browse(hostile, hostile_gate())
    refused = BadInput(HOSTILE)

    pages = [
        browser.get().text,
        browser.get(f"gate?run={HELD_RUN}").text,
        browser.post("gate/confirm", {**RELEASE, "reason": HOSTILE}).text,
        browser.post("gate/confirm", {**RELEASE, "reason": HOSTILE * 50}).text,
    ]
    token = browser.token(**RELEASE)
    browser.gate.refusal = refused
    pages.append(browser.post("gate/decide", {"token": token, "reason": HOSTILE}).text)

    for page in pages:
        markup = Markup(page)
        assert "&lt;script&gt;" in page
        assert {"script", "img"}.isdisjoint(markup.elements)
        assert [name for name in markup.attributes if name.startswith("on")] == []
    assert "script" not in Markup(harmless).elements


def test_every_answer_forbids_scripts_and_foreign_frames() -> None:
    browser = browse()
    answers = [
        browser.get(),
        browser.get("gate?run=unknown"),
        browser.get("gate.css"),
        browser.get("nowhere"),
        browser.post("gate/decide", {}),
        browse(None).get(),
    ]

    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'self'" in policy
        assert "script-src" not in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_no_page_needs_a_script_or_a_style_of_its_own() -> None:
    browser = browse()
    pages = [browser.get().text, browser.post("gate/confirm", {**RELEASE, "reason": "fine"}).text]

    for page in pages:
        markup = Markup(page)
        assert {"script", "style"}.isdisjoint(markup.elements)
        assert "style" not in markup.attributes


def test_fault_of_ours_shows_nothing_of_its_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down() -> Any:
        raise ZeroDivisionError("postgresql://user:secret@host")

    browser = browse()
    monkeypatch.setattr(browser.gate, "status", break_down)

    answer = browser.get()

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "ZeroDivision" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_page_inside_of_airflow_does_not_lead_out_of_its_frame() -> None:
    browser = browse()

    assert 'href="/"' in browser.get().text
    assert 'href="/"' not in browser.get(**{"sec-fetch-dest": "iframe"}).text
