"""The customers of the demo company: terms, size, and the payer that each one really is."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from encours.demo.companies import Company, Entity, describe_company
from encours.demo.randomness import Draw, pareto_four_thirds, unit_draw, whole
from encours.demo.rates import BASE_CURRENCY, FOREIGN_CURRENCY
from encours.demo.world import World

# Label: days after the invoice, then whether the date moves on to the end of that month
# ("45 jours fin de mois" in its first lawful reading: 45 days, then the end of the month).
# The labels are rows of the payment_terms seed, which reads them the same way.
PAYMENT_TERMS = {
    "comptant": (0, False),
    "30 jours": (30, False),
    "30 jours fin de mois": (30, True),
    "45 jours fin de mois": (45, True),
    "60 jours": (60, False),
}
_TERMS_MIX = (
    *("30 jours",) * 7,
    *("30 jours fin de mois",) * 5,
    *("45 jours fin de mois",) * 4,
    *("60 jours",) * 3,
    "comptant",
)
_VAT_MIX = (200,) * 15 + (100,) * 2 + (55,) * 2 + (0,)
_ACQUISITION = ("salon", "site web", "prescription", "prospection", "appel d'offres")
_SEGMENTS = {"TPE": "proximité", "PME": "coeur de marché", "ETI": "comptes clés", "GE": "grands"}

# One customer never weighs more than this many times the smallest.
_LARGEST_WEIGHT = 120.0
_CUSTOMERS_OF_SECOND_ENTITY = 28  # percent


@dataclass(frozen=True, slots=True)
class Payer:
    """How a customer pays. Lateness in days = base + drift + spread + heavy tail."""

    kind: str
    base: float
    spread: float
    tail: float
    drift_per_day: float
    run: int
    direct_debit: bool
    trouble: float
    loss_rate: float


@dataclass(frozen=True, slots=True)
class Customer:
    index: int
    customer_id: str
    entity: Entity
    company: Company
    repeats_company: bool
    terms: str
    size_band: str
    portfolio: str
    parent_id: str
    credit_limit: int | None
    segment: str
    acquisition_channel: str
    currency: str
    mixes_currencies: bool
    vat_per_mille: int
    base_amount: int
    payer: Payer


@dataclass(frozen=True)
class Share:
    """A customer's part of the invoices, and the part of the history in which it buys."""

    invoices: int
    first: float
    last: float


def count_customers(invoices: int) -> int:
    """About one customer for 20 invoices; small books keep some variety."""
    return max(1, invoices // 20, min(120, invoices // 5))


def entity_of(entities: Sequence[Entity], index: int, customers: int) -> Entity:
    """Of one entity or two."""
    second = customers * _CUSTOMERS_OF_SECOND_ENTITY // 100
    return entities[0] if index < customers - second else entities[-1]


def share_out(seed: int, invoices: int, customers: int) -> Iterator[Share]:
    """Heavy-tailed shares that add up to `invoices` exactly; two numbers per customer in memory."""
    draw = unit_draw(seed, "weights")
    weights = array("q")
    for _ in range(customers):
        weights.append(int(1000 * pareto_four_thirds(draw(), _LARGEST_WEIGHT)))
    total, passed, given = sum(weights), 0, 0
    for weight in weights:
        passed += weight
        upto = invoices * passed // total
        first = draw() * 0.7 if draw() < 0.2 else 0.0
        last = first + (1.0 - first) * (0.3 + 0.7 * draw()) if draw() < 0.12 else 1.0
        yield Share(upto - given, first, last)
        given = upto


def describe_customer(
    world: World, index: int, customers: int, share: Share, months: int
) -> Customer:
    """The customer behind an index, from its own draws."""
    entity = entity_of(world.entities, index, customers)
    draw = unit_draw(world.seed, "customer", index)
    own_company = world.first_company + index
    company_index = _company_index(world, index, entity, customers)
    company = describe_company(world.seed, company_index)
    base_amount = int(45_000 * pareto_four_thirds(draw(), 40.0))
    size_band = _size_band(base_amount * share.invoices * 12 // months)
    foreign = company.is_foreign and draw() < 0.8
    customer = Customer(
        index=index,
        customer_id=customer_key(index),
        entity=entity,
        company=company,
        repeats_company=company_index != own_company,
        terms=_TERMS_MIX[whole(draw, len(_TERMS_MIX))],
        size_band=size_band,
        portfolio=f"{entity.entity_id.upper()}-{1 + whole(draw, 6):02d}",
        parent_id=_parent_of(world, index, entity, customers, draw),
        credit_limit=_credit_limit(base_amount, share.invoices, months, draw),
        segment="export" if company.is_foreign else _SEGMENTS[size_band],
        acquisition_channel=_ACQUISITION[whole(draw, len(_ACQUISITION))],
        currency=FOREIGN_CURRENCY if foreign else BASE_CURRENCY,
        mixes_currencies=foreign and draw() < 0.25,
        vat_per_mille=0 if company.is_foreign else _VAT_MIX[whole(draw, len(_VAT_MIX))],
        base_amount=base_amount,
        payer=_payer(draw, may_debit=not company.is_foreign),
    )
    return customer


def customer_key(index: int) -> str:
    return f"C{index + 1:06d}"


def _company_index(world: World, index: int, entity: Entity, customers: int) -> int:
    """Some customers of the second entity are debtors of the first one too (same SIREN)."""
    index += world.first_company
    if entity is world.entities[0]:
        return index
    position = index - (customers - customers * _CUSTOMERS_OF_SECOND_ENTITY // 100)
    return position if position % 8 == 3 else index


def _parent_of(world: World, index: int, entity: Entity, customers: int, draw: Draw) -> str:
    """Subsidiaries follow their parent by less than seven places; parents have no parent."""
    parent = index - index % 7
    chosen = draw() < 0.12
    if not chosen or parent == index or entity_of(world.entities, parent, customers) is not entity:
        return ""
    return customer_key(parent)


def _size_band(yearly_cents: int) -> str:
    for band, limit in (("TPE", 1_000_000), ("PME", 6_000_000), ("ETI", 40_000_000)):
        if yearly_cents < limit:
            return band
    return "GE"


def _credit_limit(base_amount: int, invoices: int, months: int, draw: Draw) -> int | None:
    """Whole thousands of euros around three months of sales; some too low, some not set."""
    generosity = 0.6 + 2.4 * draw()
    if draw() < 0.1:
        return None
    quarter = base_amount * invoices * 3 // (months * 100)
    return 1000 * max(1, int(quarter * generosity) // 1000)


# kind, share, base, spread, tail, trouble, loss rate
_PAYER_KINDS = (
    ("exemplary", 0.22, -2.0, 4.0, 0.5, 0.4, 0.0),
    ("regular", 0.43, 3.0, 8.0, 3.0, 1.0, 0.002),
    ("slow", 0.22, 13.0, 13.0, 7.0, 1.3, 0.004),
    ("bad", 0.10, 34.0, 26.0, 16.0, 2.0, 0.015),
    ("failing", 0.03, 20.0, 20.0, 16.0, 2.4, 0.06),
)


def _payer(draw: Draw, *, may_debit: bool) -> Payer:
    u = draw()
    chosen = _PAYER_KINDS[-1]
    for kind in _PAYER_KINDS:
        if u < kind[1]:
            chosen = kind
            break
        u -= kind[1]
    name, _, base, spread, tail, trouble, loss_rate = chosen
    # Habits change: most customers by a few days a year, those in difficulty by far more.
    yearly = 25.0 if name == "failing" else 14.0 * draw() - 6.0
    debit = may_debit and draw() < 0.14
    run = (0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4)[whole(draw, 11)]
    return Payer(name, base, spread, tail, yearly / 365.0, run, debit, trouble, loss_rate)
