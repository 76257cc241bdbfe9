"""The words of the page in both languages, and how days, moments and numbers are written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime

from encours.quality.reasons import Reason, reason_of, said
from encours.quality.refusals import refusal_of
from encours.sentences import Sentences
from encours.typography import LOCALES, number, typeset

ROWS = re.compile(r"(?P<count>\d+)(?: of (?P<total>\d+))? rows?")
AND_MORE = re.compile(r"(?P<figure>.+) and (?P<count>\d+) more")
# A number that stands alone: no part of a date, a key or a name.
FIGURE = re.compile(r"(?<![\w.,:/|-])-?\d+(?:\.\d+)?(?![\w.:/|-])")

FRENCH = {
    "title": "Contrôles et publication",
    "skip": "Aller au contenu",
    "back_to_airflow": "Airflow",
    "signed_in_as": "Connecté : {name}",
    "times_in": "Heures : {zone}",
    "back": "Retour à la vue d’ensemble",
    # What stands
    "all_well": "Rien n’est retenu",
    "all_well_text": "La BI lit {publication}, arrêtée au {day}.",
    "held": "Une publication est retenue",
    "see_held": "Voir ce qui est retenu",
    "held_text": "Des contrôles n’ont pas passé. La BI garde les derniers bons chiffres :"
    " {publication}, arrêtée au {day}.",
    "held_nothing_published": "Des contrôles n’ont pas passé, et rien n’est encore publié :"
    " la BI ne lit rien.",
    "nothing_published": "Rien n’est encore publié",
    "nothing_published_text": "La première exécution qui passe les contrôles sera publiée.",
    "done_release": "Publié : {publication}, arrêtée au {day}.",
    "done_rollback": "Retour effectué : la BI lit de nouveau {publication}, arrêtée au {day}.",
    # A run
    "run_held": "Ce qui est retenu, et pourquoi",
    "run_asked": "L’exécution demandée",
    "run_unknown": "Cette exécution est inconnue.",
    "run": "Exécution",
    "state": "État",
    "as_of": "Arrêtée au",
    "known_on": "Connu le",
    "finished": "Terminée le",
    "state_running": "en cours",
    "state_published": "publiée",
    "state_held": "retenue",
    "state_failed": "échouée",
    "replaced": "Une exécution plus récente l’a remplacée : elle ne peut plus être publiée.",
    "stopped_because": "Arrêtée parce que",
    "holding_check": "Un contrôle retient la publication",
    "holding_checks": "{count} contrôles retiennent la publication",
    "no_holding_checks": "Aucun contrôle critique n’a échoué.",
    "other_reasons": "Autres raisons",
    "across_models": "entre les tables",
    "severity_critical": "critique",
    "severity_warning": "avertissement",
    "severity_info": "information",
    "failed": "échoué",
    "not_checked": "non contrôlé",
    "observed": "Constaté",
    "expected": "Attendu",
    "no_such_row": "aucune ligne",
    "at_least": "au moins {low}",
    "at_most": "au plus {high}",
    "between": "de {low} à {high}",
    "one_row": "1 ligne",
    "some_rows": "{count} lignes",
    "some_days": "{count} jours",
    "rows_of": "{count} lignes sur {total}",
    "and_more": "{figure}, et {count} de plus",
    "details": "Détail",
    "sample_keys": "Exemples ({count})",
    "rejected": "Lignes refusées",
    "rejected_shown": "Lignes montrées : {shown} sur {count}.",
    "file": "Fichier",
    "line": "Ligne",
    "column": "Colonne",
    "reason": "Motif",
    "warnings": "Avertissements de la dernière exécution contrôlée",
    "warnings_of_run": "Avertissements",
    "no_warnings": "Aucun.",
    # Deciding
    "release": "Publier malgré tout",
    "release_text": "À faire quand les écarts ci-dessus sont compris et justes. Sinon, corrigez les"
    " livres et chargez-les de nouveau : rien d’autre n’est à faire ici.",
    "rollback": "Revenir à la publication précédente",
    "rollback_text": "La BI lira de nouveau {publication}, arrêtée au {day}. Ce qui a été chargé"
    " reste : livrez les bons livres avant la prochaine exécution.",
    "no_rollback": "Aucune publication antérieure n’est gardée.",
    "why": "Motif (obligatoire, gardé dans le registre avec votre nom)",
    "why_missing": "Dites pourquoi, en quelques mots.",
    "why_too_long": "Le motif est trop long : {count} caractères au plus.",
    "confirm_release": "Publier ces chiffres ?",
    "confirm_rollback": "Revenir en arrière ?",
    "today_read": "La BI lit aujourd’hui",
    "then_read": "La BI lira ensuite",
    "your_reason": "Votre motif",
    "in_your_name": "Au nom de",
    "nothing": "rien",
    "yes_release": "Oui, publier",
    "yes_rollback": "Oui, revenir en arrière",
    "cancel": "Annuler",
    "may_not_decide": "Votre compte peut lire cette page. Publier ou revenir en arrière demande le"
    " droit de déclencher le DAG release_held.",
    # What is published
    "current": "Ce que la BI lit",
    "publication": "Publication",
    "since": "Depuis le",
    "by": "Par",
    "by_the_gate": "les contrôles, tous passés",
    "action": "Acte",
    "action_publish": "publiée",
    "action_release": "publiée sur décision",
    "action_rollback": "retour en arrière",
    "ledger": "Registre des publications",
    "no_reason": "—",
    # Freshness
    "freshness": "Fraîcheur des sources",
    "freshness_text": "Dans ce qui est publié ; l’état est celui de la dernière lecture.",
    "no_sources": "Aucune source n’est publiée.",
    "source": "Source",
    "entity": "Société",
    "until": "Données jusqu’au",
    "read_at": "Lu le",
    "rows": "Lignes",
    "fresh": "à jour",
    "stale": "périmé",
    "reading_failed": "lecture en échec",
    "reading_refused": "lecture refusée",
    "reading_incomplete": "lecture incomplète",
    "reading": "lecture en cours",
    "streams": "{count} flux",
    "whole_source": "toute la source",
    "channels": "Qui est prévenu",
    "channel": "Canal",
    "last_told": "Dernier message le",
    "channel_works": "en service",
    "channel_broken": "en panne, {count} message(s) en attente",
    # Refusals
    "not_signed_in": "Vous n’êtes plus connecté",
    "not_signed_in_text": "Rien n’a été fait. Connectez-vous, puis décidez de nouveau.",
    "sign_in": "Se connecter",
    "not_allowed": "Vous n’avez pas ce droit",
    "not_allowed_text": "Lire cette page demande le droit de lire le DAG build_receivables ;"
    " décider, celui de déclencher le DAG release_held.",
    "not_from_here": "Cette demande ne vient pas de cette page",
    "not_from_here_text": "Rien n’a été fait. Le formulaire est trop ancien, ou il vient"
    " d’ailleurs : revenez à la vue d’ensemble et décidez de nouveau.",
    "changed": "Rien n’a été fait",
    "changed_text": "Ce qui est publié ou retenu a changé depuis que la page a été affichée.",
    "busy": "Rien n’a été fait pour l’instant",
    "busy_text": "Une construction est en cours, ou la base ne répond pas : réessayez dans un"
    " moment.",
    "no_such_page": "Cette page n’existe pas",
    "no_such_page_text": "La vue d’ensemble mène à toutes les autres.",
    "broken": "La page n’a pas pu être faite",
    "broken_text": "Les détails sont dans le journal du serveur. Rien de publié n’a changé.",
}

ENGLISH = {
    "title": "Checks and publication",
    "skip": "Skip to content",
    "back_to_airflow": "Airflow",
    "signed_in_as": "Signed in: {name}",
    "times_in": "Times: {zone}",
    "back": "Back to the overview",
    "all_well": "Nothing is held",
    "all_well_text": "BI reads {publication}, as of {day}.",
    "held": "A publication is held",
    "see_held": "See what is held",
    "held_text": "Checks have not passed. BI keeps the last good figures: {publication}, as of"
    " {day}.",
    "held_nothing_published": "Checks have not passed, and nothing is published yet: BI reads"
    " nothing.",
    "nothing_published": "Nothing is published yet",
    "nothing_published_text": "The first run that passes the checks will be published.",
    "done_release": "Published: {publication}, as of {day}.",
    "done_rollback": "Gone back: BI reads {publication} again, as of {day}.",
    "run_held": "What is held, and why",
    "run_asked": "The run asked for",
    "run_unknown": "This run is unknown.",
    "run": "Run",
    "state": "State",
    "as_of": "As of",
    "known_on": "Known on",
    "finished": "Ended",
    "state_running": "running",
    "state_published": "published",
    "state_held": "held",
    "state_failed": "failed",
    "replaced": "A later run replaced it: it can no longer be published.",
    "stopped_because": "Stopped because",
    "holding_check": "One check holds the publication",
    "holding_checks": "{count} checks hold the publication",
    "no_holding_checks": "No critical check failed.",
    "other_reasons": "Other reasons",
    "across_models": "between the tables",
    "severity_critical": "critical",
    "severity_warning": "warning",
    "severity_info": "information",
    "failed": "failed",
    "not_checked": "not checked",
    "observed": "Observed",
    "expected": "Expected",
    "no_such_row": "no row",
    "at_least": "at least {low}",
    "at_most": "at most {high}",
    "between": "{low} to {high}",
    "one_row": "1 row",
    "some_rows": "{count} rows",
    "some_days": "{count} days",
    "rows_of": "{count} of {total} rows",
    "and_more": "{figure}, and {count} more",
    "details": "Detail",
    "sample_keys": "Examples ({count})",
    "rejected": "Rejected rows",
    "rejected_shown": "Rows shown: {shown} of {count}.",
    "file": "File",
    "line": "Line",
    "column": "Column",
    "reason": "Reason",
    "warnings": "Warnings of the last run that was checked",
    "warnings_of_run": "Warnings",
    "no_warnings": "None.",
    "release": "Publish all the same",
    "release_text": "For differences that are understood and right. Otherwise mend the books and"
    " load them again: nothing else is to be done here.",
    "rollback": "Go back to the publication before",
    "rollback_text": "BI will read {publication} again, as of {day}. What was loaded stays:"
    " deliver the right books before the next run.",
    "no_rollback": "No earlier publication is kept.",
    "why": "Reason (required, kept in the ledger with your name)",
    "why_missing": "Say why, in a few words.",
    "why_too_long": "The reason is too long: at most {count} characters.",
    "confirm_release": "Publish these figures?",
    "confirm_rollback": "Go back?",
    "today_read": "BI reads now",
    "then_read": "BI will then read",
    "your_reason": "Your reason",
    "in_your_name": "In the name of",
    "nothing": "nothing",
    "yes_release": "Yes, publish",
    "yes_rollback": "Yes, go back",
    "cancel": "Cancel",
    "may_not_decide": "Your account may read this page. To publish or go back takes the right to"
    " trigger the DAG release_held.",
    "current": "What BI reads",
    "publication": "Publication",
    "since": "Since",
    "by": "By",
    "by_the_gate": "the checks, all passed",
    "action": "Act",
    "action_publish": "published",
    "action_release": "published by decision",
    "action_rollback": "gone back to",
    "ledger": "Ledger of publications",
    "no_reason": "—",
    "freshness": "Freshness of the sources",
    "freshness_text": "In what is published; the state is that of the last reading.",
    "no_sources": "No source is published.",
    "source": "Source",
    "entity": "Entity",
    "until": "Data until",
    "read_at": "Read",
    "rows": "Rows",
    "fresh": "up to date",
    "stale": "stale",
    "reading_failed": "reading failed",
    "reading_refused": "reading refused",
    "reading_incomplete": "reading incomplete",
    "reading": "being read",
    "streams": "{count} streams",
    "whole_source": "the whole source",
    "channels": "Who is told",
    "channel": "Channel",
    "last_told": "Last message",
    "channel_works": "in service",
    "channel_broken": "broken, {count} message(s) waiting",
    "not_signed_in": "You are no longer signed in",
    "not_signed_in_text": "Nothing was done. Sign in, then decide again.",
    "sign_in": "Sign in",
    "not_allowed": "You may not do this",
    "not_allowed_text": "To read this page takes the right to read the DAG build_receivables; to"
    " decide, that to trigger the DAG release_held.",
    "not_from_here": "This request does not come from this page",
    "not_from_here_text": "Nothing was done. The form is too old, or comes from elsewhere: go back"
    " to the overview and decide again.",
    "changed": "Nothing was done",
    "changed_text": "What is published or held has changed since the page was shown.",
    "busy": "Nothing was done for now",
    "busy_text": "A build is running, or the database does not answer. Try again in a moment.",
    "no_such_page": "This page does not exist",
    "no_such_page_text": "The overview leads to all others.",
    "broken": "The page could not be made",
    "broken_text": "The details are in the log of the server. Nothing published has changed.",
}

# The words between the figures of what a check saw, as the queries of `expectations/` write them
# (int_drift.told and int_revaluation_rates.what_to_do among what they read).
FRENCH_OBSERVED = {
    " of the invoices without tax": " des factures sans taxe",
    " items published in all": " postes publiés en tout",
    " is not explained": " inexpliqué",
    ", in the ledger ": ", au grand livre ",
    ", difference ": ", écart de ",
    " debited, ": " au débit, ",
    " credited": " au crédit",
    " of which ": " dont ",
    " of ": " sur ",
    " after ": " contre ",
    " before": " auparavant",
    " with ": " avec ",
    " to ": " pour ",
    " in ": " en ",
    ", change ": ", variation ",
    ", limit ": ", limite ",
    ", published ": ", publié ",
    " days old": " jours",
    ", expected within ": ", attendu sous ",
    "source: ": "source : ",
    ", here: ": ", ici : ",
    " debtors": " débiteurs",
    " documents": " pièces",
    " invoices": " factures",
    " lines": " lignes",
    " rows": " lignes",
    " bytes loaded": " octets chargés",
    " loaded": " enregistrements chargés",
    " read": " enregistrements lus",
    " landed": " reçus",
    " stated": " annoncés",
    "no rate of ": "aucun cours de ",
    "last rate of ": "le dernier cours de ",
    " on or before ": " au ",
    " is of ": " est du ",
    " days before ": " jours avant le ",
    ", the books go on to ": ", les livres vont jusqu’au ",
    ": deliver exchange_rates with one": " : livrez-en un dans exchange_rates",
    ": deliver exchange_rates up to ": " : livrez exchange_rates jusqu’au ",
    ": deliver exchange_rates up to that day": " : livrez exchange_rates jusqu’à ce jour",
    "no position": "aucun poste",
    "no movement": "aucun mouvement",
    "compared with nothing": "comparé à rien",
    "difference ": "écart de ",
    "until ": "jusqu’au ",
    "left open ": "restent ouverts ",
    "not explained ": "inexpliqués ",
}
# How a reading ended (ops.extraction), where that is all that a check saw.
FRENCH_STATUS = {
    "running": "en cours",
    "landed": "reçue, pas chargée",
    "loaded": "chargée",
    "unchanged": "inchangée",
    "incomplete": "incomplète",
    "refused": "refusée",
    "failed": "en échec",
}
_OBSERVED = re.compile(
    "|".join(
        re.escape(words) + (r"\b" if words[-1].isalpha() else "")
        for words in sorted(FRENCH_OBSERVED, key=len, reverse=True)
    )
)
# Between the words: figures, days, currencies; a name only where it stands alone.
_BETWEEN_WORDS = re.compile(r"\S*( [-\dA-Z]\S*)*")
# What follows is the reason that somebody gave, in the language of that person.
ANNOUNCED = ", announced: "

# What the gate says of a check that has no answer (quality.checkpoint, quality.verdict).
FRENCH_UNCHECKED = {
    "no schema was named for the suites of folder {folder}":
        "aucun schéma n’est prévu pour les contrôles du dossier {folder}",
    "table {schema}.{table} does not exist": "la table {schema}.{table} n’existe pas",
    'column "{column}" does not exist': "la colonne {column} n’existe pas",
    "sample_key {columns} is not a column of the query":
        "sample_key {columns} n’est pas une colonne de la requête",
    "the check could not run (error in the check itself)":
        "le contrôle n’a pas pu avoir lieu (erreur dans le contrôle lui-même)",
    "the check could not run ({error})": "le contrôle n’a pas pu avoir lieu ({error})",
    "timeout: the database took longer than allowed":
        "délai dépassé : la base a mis plus de temps que permis",
    "the database refused ({error})": "la base a refusé ({error})",
    "the check gave no figures": "le contrôle n’a donné aucun chiffre",
    "no answer": "sans réponse",
    "{table}: {check}: not checked: it reported no result":
        "{table}, {check} : non contrôlé, aucun résultat n’est venu",
    "no check reported a result: an empty audit proves nothing":
        "aucun contrôle n’a donné de résultat : un examen vide ne prouve rien",
}  # fmt: skip
# Why a decision came to nothing (warehouse.publication, orchestration.control).
FRENCH_UNDECIDED = {
    "what was to be decided on is no longer there": "ce qui était à décider n’est plus là",
    "run {run} is unknown or was never checked (see status)":
        "l’exécution {run} est inconnue, ou n’a jamais été contrôlée",
    "run {run} is not held (see status)": "l’exécution {run} n’est pas retenue",
    "nothing is published yet: there is nothing to go back from":
        "rien n’est encore publié : il n’y a rien d’où revenir",
    "no earlier publication is kept: there is nothing to go back to":
        "aucune publication antérieure n’est gardée : il n’y a rien à quoi revenir",
    "the candidate of run {run} is gone (a later run replaced it; run again to build a new one)":
        "ce que l’exécution {run} avait construit n’est plus là : une plus récente l’a remplacé ;"
        " une nouvelle exécution le construira de nouveau",
    "another publication has come meanwhile: nothing was done (look at what is published now, and"
    " decide again)":
        "une autre publication a eu lieu entre-temps ; regardez ce qui est publié maintenant, et"
        " décidez de nouveau",
    "the candidate does not describe run {run}: nothing published":
        "ce qui est construit n’est pas de l’exécution {run} : rien n’a été publié",
    "another build of this warehouse is running: wait for it, `encours status` shows it":
        "une construction est en cours ; attendez qu’elle finisse",
    "the reason is empty (say why in a few words)":
        "le motif est vide : dites pourquoi, en quelques mots",
    "the reason is too long (at most {count:number} characters)":
        "le motif est trop long : {count} caractères au plus",
}  # fmt: skip
_TOLD = Sentences({**FRENCH_UNCHECKED, **FRENCH_UNDECIDED})

WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {"fr": {name: typeset(text) for name, text in FRENCH.items()}, "en": ENGLISH}
)


@dataclass(frozen=True)
class Wording:
    """One language, and the time zone that moments are told in."""

    language: str
    zone_name: str | None = None

    @property
    def words(self) -> Mapping[str, str]:
        return WORDS[self.language]

    @property
    def zone(self) -> str:
        return self.zone_name or "UTC"

    def day(self, value: date | None) -> str:
        """30 juin 2026."""
        return format_date(value, "long", locale=LOCALES[self.language]) if value else "—"

    def moment(self, value: datetime | None) -> str:
        """30 juin 2026, 18:05."""
        if value is None:
            return "—"
        zone = ZoneInfo(self.zone_name) if self.zone_name else UTC
        local = value.astimezone(zone)
        time = format_datetime(local, "HH:mm", locale=LOCALES[self.language])
        day = format_date(local.date(), "medium", locale=LOCALES[self.language])
        return f"{day}, {time}"

    def number(self, value: int | Decimal | None) -> str:
        return "—" if value is None else number(value, self.language)

    def reason(self, check: Mapping[str, Any]) -> Reason:
        """Why a check of the ledger matters; in English where nobody has put it into French."""
        return reason_of(
            check["table_name"],
            check["check_name"],
            why=check["why"] or "",
            language=self.language,
        )

    def refusal(self, reason: str) -> Reason:
        """Why a row was refused; in English where nobody has put it into French."""
        return refusal_of(reason, language=self.language)

    def told(self, text: str) -> Reason:
        """What the gate or a decision says of itself; in English where nobody has put it into
        French, as what PostgreSQL says."""
        return said(text, _TOLD.in_french(text), language=self.language)

    def holding(self, count: int) -> str:
        words = self.words["holding_check" if count == 1 else "holding_checks"]
        return words.format(count=self.number(count))

    def observed(self, text: str) -> str:
        """What a check saw (quality.checkpoint writes it): counts in words, figures grouped."""
        if several := AND_MORE.fullmatch(text):
            others = self.number(int(several["count"]))
            words = self.words["and_more"]
            return words.format(figure=self.observed(several["figure"]), count=others)
        if rows := ROWS.fullmatch(text):
            count, total = int(rows["count"]), rows["total"]
            name = "rows_of" if total else "one_row" if count == 1 else "some_rows"
            of = self.number(int(total)) if total else ""
            return self.words[name].format(count=self.number(count), total=of)
        if self.language == "fr" and text in FRENCH_STATUS:
            return FRENCH_STATUS[text]
        seen, announced, reason = text.partition(ANNOUNCED)
        # Half a sentence in French would be worse than one in English.
        if self.language == "fr" and all(map(_BETWEEN_WORDS.fullmatch, _OBSERVED.split(seen))):
            french = _OBSERVED.sub(lambda found: FRENCH_OBSERVED[found[0]], seen)
            seen, announced = typeset(french), typeset(announced and ", annoncé : ")
        return f"{self._figures(seen)}{announced}{reason}"

    def expected(self, limits: tuple[str | None, str | None] | None, unit: str) -> str:
        """What a check would have passed with: a limit, or no row at all."""
        if limits is None:
            return self.words["no_such_row"]
        low, high = (self._limit(limit, unit) if limit else "" for limit in limits)
        if low == high:
            return low
        name = "at_most" if not low else "at_least" if not high else "between"
        return self.words[name].format(low=low, high=high)

    def _limit(self, limit: str, unit: str) -> str:
        if unit == "day":
            return self.day(date.fromisoformat(limit))
        if unit == "moment":
            return self.moment(datetime.fromisoformat(limit))
        shown = self._figures(limit)
        return self.words["some_days"].format(count=shown) if unit == "days" else shown

    def _figures(self, text: str) -> str:
        return FIGURE.sub(lambda found: self.number(Decimal(found[0])), text)
