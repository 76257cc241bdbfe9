"""Why a row was refused, in French: what a controller reads on the page of the gate.

The reading of files, that of a FEC and the models say it in English, with the values at fault; the
ledger keeps that. A test holds that every sentence that they have stands here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from encours.quality.reasons import Reason, said
from encours.sentences import Sentences

WORDS: Mapping[str, str] = {
    "payment": "règlement",
    "receipt": "encaissement",
    "refund": "remboursement",
    "invoice": "facture",
    "credit_note": "avoir",
    "credit note": "avoir",
    "posted": "validé",
    "draft": "en brouillon",
    "void": "annulé",
}

# What the models find: rows that do not go together (dbt_project/models/intermediate/checked/).
BY_RELATION: Mapping[str, str] = {
    "customer {customer} is not in customers: add it there or correct the document":
        "client {customer} absent de customers : ajoutez-l’y ou corrigez la pièce",
    "customer {customer} is not in customers: add it there or correct the payment":
        "client {customer} absent de customers : ajoutez-l’y ou corrigez le règlement",
    "customer {customer} is not in customers: add it there":
        "client {customer} absent de customers : ajoutez-l’y",
    "status {status} is not known: nobody can tell whether the document is owed":
        "statut {status} inconnu : personne ne peut dire si la pièce est due",
    "type {type} is not known: nobody can tell which way the document counts":
        "type {type} inconnu : personne ne peut dire dans quel sens la pièce compte",
    "type {type} is not known: nobody can tell which way the payment counts":
        "type {type} inconnu : personne ne peut dire dans quel sens le règlement compte",
    "a posted document without a date: give it one in the source":
        "pièce validée sans date : donnez-lui-en une dans la source",
    "a posted document without a currency: give it one in the source":
        "pièce validée sans devise : donnez-lui-en une dans la source",
    "a posted document without an amount: give it one in the source":
        "pièce validée sans montant : donnez-lui-en un dans la source",
    "a payment without a date: give it one in the source":
        "règlement sans date : donnez-lui-en une dans la source",
    "a payment without a currency: give it one in the source":
        "règlement sans devise : donnez-lui-en une dans la source",
    "a payment without an amount: give it one in the source":
        "règlement sans montant : donnez-lui-en un dans la source",
    "amount in {currency} without exchange_rate to {base}: give the rate of the document":
        "montant en {currency} sans exchange_rate vers {base} : donnez le cours de la pièce",
    "amount in {currency} without exchange_rate to {base}: give the rate of the payment":
        "montant en {currency} sans exchange_rate vers {base} : donnez le cours du règlement",
    "exchange_rate of {currency} to itself is not 1: correct the rate or the currency_code":
        "le cours (exchange_rate) de {currency} pour elle-même n’est pas 1 : corrigez-le, ou"
        " corrigez currency_code",
    "document {document} is not in documents: add it there or remove the instalment":
        "pièce {document} absente de documents : ajoutez-l’y ou supprimez l’échéance",
    "document {document} is not in documents: add it there":
        "pièce {document} absente de documents : ajoutez-l’y",
    "document {document} is a credit note: only invoices have instalments":
        "la pièce {document} est un avoir : seules les factures ont des échéances",
    "the instalments of document {document} sum to {sum:number}, the document to {total:number}:"
    " they must be equal":
        "les échéances de la pièce {document} font {sum}, la pièce {total} : ce doit être la même"
        " somme",
    "{kind:word} {source} is not in the files: add it there":
        "{kind} {source} absent des fichiers : ajoutez-l’y",
    "{kind:word} {source} was itself refused: mend it first":
        "{kind} {source} : lui-même refusé, à corriger d’abord",
    "document {document} was itself refused: mend it first":
        "la pièce {document} est elle-même refusée : corrigez-la d’abord",
    "document {document} is an invoice: only payments and credit notes settle":
        "la pièce {document} est une facture : seuls les règlements et les avoirs soldent",
    "refund {refund} must pay out a credit note or a receipt, not an invoice":
        "le remboursement {refund} doit rendre un avoir ou un encaissement, pas une facture",
    "{kind:word} {source} must settle an invoice, {document} is a {other:word}":
        "{kind} {source} : c’est une facture qu’il doit solder, {document} est un {other}",
    "credit note {document} is {status:word}: only posted documents are matched":
        "avoir {document} {status} : seules les pièces validées sont imputées",
    "document {document} is {status:word}: only posted documents are matched":
        "pièce {document}, statut « {status} » : seules les pièces validées sont imputées",
    "{kind:word} {source} and document {document} belong to different customers":
        "{kind} {source} et pièce {document} : ils sont de deux clients différents",
    "{kind:word} {source} is in {currency}, document {document} in {other}: an allocation needs"
    " one currency":
        "{kind} {source} en {currency}, pièce {document} en {other} : une imputation n’a qu’une"
        " devise",
    "an allocation without an amount: give it one in the source":
        "imputation sans montant : donnez-lui-en un dans la source",
    "document {document} has no instalment {instalment}: correct the number or leave it empty":
        "la pièce {document} n’a pas d’échéance {instalment} : corrigez le numéro ou laissez-le"
        " vide",
    "reversed_on is before the allocation takes effect":
        "reversed_on précède la date d’effet de l’imputation",
    "allocated {amount:number} of {kind:word} {source}, which is only {total:number}":
        "{amount} imputés de : {kind} {source}, qui n’est que de {total}",
    "allocated {amount:number} to document {document}, which is only {total:number}":
        "{amount} imputés sur la pièce {document}, qui n’est que de {total}",
    "allocated {amount:number} to instalment {instalment} of document {document}, which is only"
    " {total:number}":
        "{amount} imputés sur l’échéance {instalment} de la pièce {document}, qui n’est que de"
        " {total}",
    "document {document} is a {status:word} {kind:word}: only posted invoices are written off":
        "pièce {document} ({kind}, statut « {status} ») : seules les factures validées sont"
        " passées en perte",
    "document {document} was issued on {day}: it cannot be written off before":
        "la pièce {document} est du {day} : elle ne peut pas être passée en perte avant",
    "write-offs of {lost:number} and settlements of {settled:number} exceed document {document} of"
    " {total:number}":
        "{lost} de pertes et {settled} de règlements dépassent la pièce {document}, de {total}",
    "write-offs of {lost:number} and settlements of {settled:number} exceed instalment"
    " {instalment} of document {document} of {total:number}":
        "{lost} de pertes et {settled} de règlements dépassent l’échéance {instalment} de la pièce"
        " {document}, de {total}",
    "closed_on is before opened_on":
        "closed_on précède opened_on",
}  # fmt: skip

# What the reading of the flat files refuses (clients/flat_file_schema.py, clients/flat_files.py).
BY_FILE: Mapping[str, str] = {
    "{column} is empty: it is mandatory, fill it in":
        "{column} est vide : la valeur est obligatoire, renseignez-la",
    "{column} contains a control character: export the value as plain text":
        "{column} contient un caractère de contrôle : exportez la valeur en texte simple",
    "{column} is not a date of the calendar in ISO form: write YYYY-MM-DD, such as 2024-12-31":
        "{column} n’est pas une date du calendrier sous forme ISO : écrivez AAAA-MM-JJ, comme"
        " 2024-12-31",
    "{column} is not an ISO timestamp: write it as 2024-12-31T18:05:00Z":
        "{column} n’est pas un instant sous forme ISO : écrivez-le comme 2024-12-31T18:05:00Z",
    "{column} is not a whole number from 1: write it with digits only, such as 1":
        "{column} n’est pas un nombre entier à partir de 1 : écrivez-le en chiffres seulement,"
        " comme 1",
    "{column} is not a yes or no: write true, false, 1, 0, yes, no, oui or non":
        "{column} n’est ni oui ni non : écrivez true, false, 1, 0, yes, no, oui ou non",
    "{column} is not a currency code: write three capital letters, such as EUR":
        "{column} n’est pas un code de devise : écrivez trois lettres capitales, comme EUR",
    "{column} must be in lower case: write {value}":
        "{column} s’écrit en minuscules : {value}",
    "{column} is not one of the known values: write one of {choices}":
        "{column} n’est pas une des valeurs prévues : {choices}",
    "{column} is longer than {count:number} characters: check that the columns are not shifted":
        "{column} dépasse {count} caractères : vérifiez que les colonnes ne sont pas décalées",
    "{column} contains a tab or a line break: an identifier stands on one line":
        "{column} contient une tabulation ou un retour à la ligne : un identifiant tient sur une"
        " ligne",
    "{column} is negative: amounts are positive, the type of the row gives the sign":
        "{column} est négatif : les montants sont positifs, c’est le type de la ligne qui donne le"
        " signe",
    "{column} is not a number: write digits and a dot only, such as 1234.56":
        "{column} n’est pas un nombre : écrivez des chiffres et un point seulement, comme 1234.56",
    "{column} is in scientific notation: write all digits, such as 1250000.00":
        "{column} est en notation scientifique : écrivez tous les chiffres, comme 1250000.00",
    "{column} has a thousands separator: write 1234.56 (digits and a dot)":
        "{column} a un séparateur de milliers : écrivez 1234.56 (des chiffres et un point)",
    "{column} has a decimal comma: write 1234.56 with a dot":
        "{column} a une virgule décimale : écrivez 1234.56, avec un point",
    "{column} is zero: a rate is greater than zero; write units of base currency per unit of"
    " document":
        "{column} est nul : un cours est supérieur à zéro ; écrivez combien d’unités de la devise"
        " de la société vaut une unité de celle de la pièce",
    "{column} is zero: write the amount concerned":
        "{column} est nul : écrivez le montant concerné",
    "{column} is zero: write the amount concerned, or leave it empty where the whole document is"
    " meant":
        "{column} est nul : écrivez le montant concerné, ou laissez vide s’il s’agit de toute la"
        " pièce",
    "{column} is too large: at most {count:number} digits before the dot":
        "{column} est trop grand : {count} chiffres au plus avant le point",
    "{column} has too many decimals: round it to {count:number} in the source":
        "{column} a trop de décimales : arrondissez à {count} dans la source",
    '{count:number} fields where the header has {expected:number}: put values that contain'
    ' "{mark}" between double quotes':
        "{count} champs, l’en-tête en a {expected} : mettez entre guillemets doubles les valeurs"
        " qui contiennent « {mark} »",
    "{count:number} fields where the header has {expected:number}: the file ends within this line,"
    " it is probably truncated: export it again":
        "{count} champs, l’en-tête en a {expected} : le fichier finit au milieu de cette ligne, il"
        " est sans doute tronqué ; exportez-le de nouveau",
    "{count:number} fields where the header has {expected:number}: write one separator between all"
    " columns, also around empty values":
        "{count} champs, l’en-tête en a {expected} : écrivez un séparateur entre toutes les"
        " colonnes, aussi autour des valeurs vides",
    "a blank stands before the opening quote: delete it":
        "une espace précède le guillemet ouvrant : supprimez-la",
    'text follows a closing quote, or a quote is not closed: write "" for a double quote inside a'
    ' value':
        'du texte suit un guillemet fermant, ou un guillemet n’est pas fermé : écrivez "" pour un'
        ' guillemet double dans une valeur',
    "duplicate key, first seen on line {line}: keep one of the two rows":
        "identifiant en double, déjà vu à la ligne {line} : gardez une seule des deux lignes",
}  # fmt: skip

# What the reading of a FEC refuses (clients/fec_*.py): then nothing of the file is loaded.
BY_FEC: Mapping[str, str] = {
    "not a date":
        "n’est pas une date",
    "impossible date, there is no month {month:number}":
        "date impossible, il n’y a pas de mois {month}",
    "impossible date, that month has no such day":
        "date impossible, ce mois n’a pas ce jour",
    "not an amount":
        "n’est pas un montant",
    "two signs":
        "deux signes",
    "too many digits for an amount":
        "trop de chiffres pour un montant",
    "too large or too small for an amount":
        "trop grand ou trop petit pour un montant",
    "space inside an amount, no thousands separator is allowed":
        "espace dans un montant, aucun séparateur de milliers n’est admis",
    "two separators, no thousands separator is allowed":
        "deux séparateurs, aucun séparateur de milliers n’est admis",
    "dot used as decimal mark, a FEC uses the comma":
        "point décimal, un FEC s’écrit avec la virgule",
    "comma used as decimal mark, the XML form uses the dot":
        "virgule décimale, la forme XML s’écrit avec le point",
    "empty, and a line needs it":
        "vide, or chaque ligne en a besoin",
    "not D, C, +1 or -1":
        "ni D, ni C, ni +1, ni -1",
    "{count:number} fields where {expected:number} are expected":
        "{count} champs au lieu de {expected}",
    "the file stops in the middle of this line, {count:number} fields where {expected:number} are"
    " expected":
        "le fichier s’arrête au milieu de cette ligne, {count} champs au lieu de {expected}",
}  # fmt: skip

_SENTENCES = Sentences({**BY_RELATION, **BY_FILE, **BY_FEC}, WORDS)
_ALSO = re.compile(r"(?P<first>.+) \(also refused: (?P<others>[^()]+)\)", re.DOTALL)


def refusal_of(reason: str, *, language: str) -> Reason:
    """Why a row was refused, in this language; in its own English where there is none in it."""
    return said(reason, _french(reason), language=language)


def _french(reason: str) -> str | None:
    if several := _ALSO.fullmatch(reason):
        first = _SENTENCES.in_french(several["first"])
        return first and f"{first} (refusées aussi\u00a0: {several['others']})"
    return _SENTENCES.in_french(reason)
