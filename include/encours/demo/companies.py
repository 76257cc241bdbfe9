"""Who the customers are: names from word lists, numbers that belong to nobody.

No name is that of a person, and every name carries a word or a place that says it is made up. Every
SIREN has a wrong Luhn key on purpose, so that no registered company can have it; VAT numbers are
derived from these SIREN and are as void.
"""

from __future__ import annotations

from dataclasses import dataclass

from encours.demo.randomness import Draw, unit_draw, whole


@dataclass(frozen=True)
class Entity:
    """A selling company of the demo group."""

    entity_id: str
    name: str
    siren: str
    number_prefix: str
    revenue_account: str = "701000"


ENTITIES = (
    Entity("fr", "Démonstration Industrie SAS", "999000001", "FI"),
    Entity("svc", "Démonstration Services SAS", "999000019", "FS"),
)
# Small ones with an accounting system of their own, by the key of that system.
SUBSIDIARIES = {
    "odoo": Entity("bois", "Démonstration Bois SAS", "999000035", "FB"),
    "pennylane": Entity("conseil", "Démonstration Conseil SAS", "999000043", "FC"),
    "sage_accounting": Entity("pieces", "Démonstration Pièces SAS", "999000050", "FP"),
}

_TRADES = (
    "Ateliers", "Comptoir", "Manufacture", "Établissements", "Fabrique", "Fonderie", "Scierie",
    "Imprimerie", "Entrepôts", "Transports", "Menuiserie", "Laiterie", "Papeterie", "Verrerie",
    "Tissages", "Câblerie", "Forges", "Minoterie", "Chantiers",
)  # fmt: skip
_FANCIES = (
    "Chimère", "Exemple", "Fiction", "Gribouille", "Imaginaire", "Licorne", "Maquette", "Mirage",
    "Modèle", "Pantomime", "Prétexte", "Salamandre", "Simulacre", "Songe", "Témoin", "Trompe-l'œil",
    "Utopie",
)  # fmt: skip
_NOWHERES = (
    "de Nulle-Part", "du Bout du Conte", "des Sept Lunes", "du Fleuve Absent", "de la Ville Rêvée",
    "du Mont Inventé", "des Îles Perchées", "du Pays Plat-Plat", "de la Forêt Bleue",
    "du Port Sans Mer", "de la Rive Oubliée", "du Canal Sec", "des Nuages Bas",
)  # fmt: skip
_FORMS = ("SAS", "SARL", "SA", "SNC")
_FOREIGN_NAMES = ("Placeholder", "Sampleton", "Nowhere", "Mockingfield", "Examplia", "Testlandia")
_FOREIGN_TRADES = ("Trading", "Supplies", "Works", "Logistics", "Components")
_FOREIGN_COUNTRIES = (("US", "Inc."), ("GB", "Ltd"), ("DE", "GmbH"), ("BE", "SRL"), ("IT", "Srl"))

_SECTORS = (
    "Agroalimentaire", "Automobile", "Bâtiment", "Chimie", "Commerce de gros", "Distribution",
    "Énergie", "Hôtellerie-restauration", "Informatique", "Industrie mécanique", "Santé",
    "Secteur public", "Textile", "Transport",
)  # fmt: skip
_REGIONS = (
    "Auvergne-Rhône-Alpes", "Bourgogne-Franche-Comté", "Bretagne", "Centre-Val de Loire", "Corse",
    "Grand Est", "Hauts-de-France", "Île-de-France", "Normandie", "Nouvelle-Aquitaine", "Occitanie",
    "Pays de la Loire", "Provence-Alpes-Côte d'Azur",
)  # fmt: skip

# Coprime with the 90 million SIREN stems: multiplying walks through all of them without repeat.
_STEM_STEP = 48_271_033
_STEMS = 90_000_000


@dataclass(frozen=True)
class Company:
    """A debtor as registries would know it; two entities may sell to the same one."""

    name: str
    siren: str
    vat_number: str
    country_code: str
    sector: str
    region: str
    is_foreign: bool


def describe_company(seed: int, index: int) -> Company:
    """The company behind an index; the name and the SIREN are unique by construction."""
    draw = unit_draw(seed, "company", index)
    sector = _SECTORS[whole(draw, len(_SECTORS))]
    if draw() < 0.07:
        country, form = _FOREIGN_COUNTRIES[whole(draw, len(_FOREIGN_COUNTRIES))]
        name = _foreign_name(index, form)
        return Company(name, "", "", country, sector, "Étranger", True)
    siren = _void_siren(index, draw)
    key = (12 + 3 * (int(siren) % 97)) % 97
    region = _REGIONS[whole(draw, len(_REGIONS))]
    return Company(_french_name(index), siren, f"FR{key:02d}{siren}", "FR", sector, region, False)


def luhn_remainder(digits: str) -> int:
    """0 for a number with a right Luhn key."""
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10


def _void_siren(index: int, draw: Draw) -> str:
    stem = str(10_000_000 + index * _STEM_STEP % _STEMS)
    right_key = (10 - luhn_remainder(stem + "0")) % 10
    return stem + str((right_key + 1 + whole(draw, 9)) % 10)


def _french_name(index: int) -> str:
    # The list lengths are coprime in pairs (19, 17, 13), so the triple repeats only after 4,199.
    words = [_TRADES[index % 19], _FANCIES[index % 17], _NOWHERES[index % 13]]
    series = index // 4199
    if series:
        words.append(str(series + 1))
    if index % 53 == 7:
        words[1] = f'"{words[1]}"'
    # Some names need quoting in CSV, as they do in real books.
    joint = ", " if index % 41 == 5 else " "
    return " ".join(words) + joint + _FORMS[index % 4]


def _foreign_name(index: int, form: str) -> str:
    name = _FOREIGN_NAMES[index % len(_FOREIGN_NAMES)]
    trade = _FOREIGN_TRADES[index // 6 % len(_FOREIGN_TRADES)]
    return f"{name} {trade} {index + 1} {form}"
