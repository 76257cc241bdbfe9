-- A small batch that every expectation believes: one company, four customers, books at the end of
-- January 2025, and the publication of the month before. Only the columns that checks read.
drop schema if exists marts_candidate cascade;
drop schema if exists marts cascade;
drop schema if exists intermediate cascade;
drop schema if exists previous cascade;
drop schema if exists reference cascade;
drop table if exists ops.policy_choice;
drop table if exists ops.announced_change;
drop schema if exists raw_files cascade;
drop table if exists ops.extraction cascade;
drop table if exists ops.rejected_row;
create schema if not exists ops;
create schema raw_files;
create table raw_files.deliveries (
    version_no bigint, run_id text, extracted_at timestamptz, payload jsonb
);
insert into raw_files.deliveries values
(1, 'load-1', timestamptz '2025-01-01 05:00:00+00', '{"entity_id": "fr01", "is_demo": false}'),
(2, 'load-2', timestamptz '2025-02-01 05:00:00+00', '{"entity_id": "fr01", "is_demo": false}');
create table ops.rejected_row (run_id text, source text, stream text, found_by text);
insert into ops.rejected_row values ('load-2', 'files', 'payments', 'load');
create table ops.extraction (
    extraction_id bigint, run_id text, source text, stream text, entity_id text, status text,
    page_count bigint, row_count bigint, byte_count bigint, control_total jsonb
);
insert into ops.extraction values
(1, 'load-2', 'files', 'landing', null, 'loaded', 2, 0, 5000, null),
(
    2, 'load-2', 'files', 'delivery', null, 'loaded', 2, 1901, 5000,
    '{"documents": "1000", "payments": "901", "exchange_rates": "12"}'
),
(3, 'load-3', 'odoo', 'moves', 'fr02', 'failed', 0, 0, 0, null),
(
    4, 'load-4', 'odoo', 'moves', 'fr02', 'loaded', 1, 100, 4000,
    '{"landed": "100", "stated": "99", "is_full": "true"}'
),
(5, 'load-4', 'odoo', 'partners', 'fr02', 'unchanged', 1, 5, 400, '{"landed": "5"}');
create table ops.announced_change (entity_id text, measure text);
insert into ops.announced_change values ('fr01', 'outstanding'), (null, 'customers');
create table ops.policy_choice (entity_id text, policy text, value text);
insert into ops.policy_choice values
(null, 'unapplied', 'own_date'),
('fr01', 'unapplied', 'separate');
create schema marts_candidate;
create schema intermediate;
create schema reference;

set search_path = marts_candidate;

create table publication_info as
select
    'run-2' as run_id,
    date '2025-01-31' as as_of_date,
    timestamptz '2025-02-01 06:00:00+00' as known_on;

create table data_coverage (
    entity_id text, source text, stream text, first_business_date date, last_business_date date,
    row_count bigint, is_stale boolean
);
insert into data_coverage values
('fr01', 'files', 'documents', date '2023-01-02', date '2025-01-30', 1000, false),
('fr01', 'files', 'payments', date '2023-02-02', date '2025-01-31', 900, false);

create table dim_entity as
select 'fr01' as entity_id, 'EUR' as base_currency, '732829320' as siren;

create table dim_customer (
    entity_id text, customer_id text, country_code text, siren text, customer_name text,
    source_customer_id text, source text default 'files'
);
insert into dim_customer values
('fr01', 'c1', 'FR', '552100554', 'Verrerie « Âme »', '1'),
('fr01', 'c2', 'DE', null, 'Sampleton GmbH', '2'),
('fr01', 'c3', null, null, 'Câblerie Exemple', '3'),
('fr01', 'c4', 'FR', '542065479', '4', '4');

create table customer_attributes as
select 'c1' as customer_id, 'channel' as attribute, 'web' as value;

create table document_attributes as
select 'd1' as document_id, 'project' as attribute, 'north' as value;

create table fct_open_items (
    open_item_id text, entity_id text, customer_id text, item_type text, issue_date date,
    due_date date, due_date_is_estimated boolean, currency_code text,
    open_company_amount numeric(20, 2), days_overdue integer,
    source text default 'files', document_id text
);
insert into fct_open_items values
('i1', 'fr01', 'c1', 'invoice', date '2024-11-20', date '2024-12-20', false, 'EUR', 400.00, 42),
('i2', 'fr01', 'c2', 'invoice', date '2024-12-05', date '2025-01-04', false, 'EUR', 350.00, 27),
('i3', 'fr01', 'c3', 'invoice', date '2024-12-10', date '2025-01-09', false, 'USD', 300.00, 22),
('i4', 'fr01', 'c4', 'invoice', date '2025-01-20', date '2025-02-19', false, 'EUR', 250.00, -19),
('p1', 'fr01', 'c4', 'payment', date '2025-01-25', null, false, 'EUR', -50.00, null);

create table fct_documents (
    document_id text, entity_id text, currency_code text, issue_date date, booking_date date,
    exchange_rate numeric, document_type text, amount_incl_tax numeric, amount_excl_tax numeric
);
insert into fct_documents values
('d1', 'fr01', 'EUR', date '2024-11-20', date '2024-11-20', 1),
('d2', 'fr01', 'EUR', date '2025-01-20', date '2025-01-20', 1),
('d3', 'fr01', 'USD', date '2025-01-10', date '2025-01-10', 0.96);
insert into fct_documents
select
    kind || n, 'fr01', 'EUR', booked, booked, 1, 'invoice', 120.00, 100.00
from
    (values ('old', date '2024-10-01', 20), ('recent', date '2025-01-15', 5)) as kinds (kind, booked, total)
cross join lateral generate_series(1, total) as n;

create table fct_items as
select
    open_item_id, customer_id, item_type, due_date, open_company_amount as original_amount
from fct_open_items;
insert into fct_items values ('i0', 'c1', 'invoice', date '2024-10-31', 120.00);

create table fct_invoice_settlements as
select
    's1' as settlement_id,
    'i0' as open_item_id,
    date '2024-12-31' as in_force_from,
    cast(null as date) as in_force_to,
    120.00 as amount;

create table fct_item_states (
    state_id text, state_type text, document_id text, amount numeric, opened_on date,
    closed_on date, promised_date date
);
insert into fct_item_states values
('t1', 'dispute', 'recent1', 100.00, date '2025-01-20', date '2025-01-20', null),
('t2', 'promise', null, 500.00, date '2025-01-25', null, date '2025-02-28');

create table customer_digests as
select source, entity_id, source_customer_id, 'documents' as stream, 1 as digest
from dim_customer
union all
select '', 'fr01', '', stream, 1
from unnest(array['entities', 'policies']) as streams (stream);

create table fct_open_item_positions as
select open_item_id, issue_date as valid_from, cast(null as date) as valid_to
from fct_open_items;

create table fct_receivable_movements as
select
    open_item_id,
    'issue' as movement_type,
    issue_date as movement_date
from fct_open_items;
insert into fct_receivable_movements values
('i0', 'issue', date '2024-10-01'),
('i0', 'payment', date '2024-12-31');

create table mart_aged_balance (
    as_of_date date, entity_id text, bucket text, open_company_amount numeric(20, 2)
);
insert into mart_aged_balance values
(date '2024-12-31', 'fr01', 'not_due', 1050.00),
(date '2025-01-31', 'fr01', 'not_due', 250.00),
(date '2025-01-31', 'fr01', 'overdue_1_30', 650.00),
(date '2025-01-31', 'fr01', 'overdue_31_60', 400.00),
(date '2025-01-31', 'fr01', 'unapplied_credit', -50.00);

create table mart_outstanding (
    as_of_date date, entity_id text, status text, open_company_amount numeric(20, 2)
);
insert into mart_outstanding values
(date '2025-01-31', 'fr01', 'not_due', 250.00),
(date '2025-01-31', 'fr01', 'overdue', 750.00),
(date '2025-01-31', 'fr01', 'disputed', 300.00),
(date '2025-01-31', 'fr01', 'unapplied_credit', -50.00);

create table scope_revenue_months (
    scope_type text, scope_value text, month_start date, revenue_company_amount numeric,
    revenue_to_month_company_amount numeric
);
insert into scope_revenue_months values
('customer', 'c1', date '2024-11-01', 0, 0),
('customer', 'c1', date '2024-12-01', 900.00, 900.00),
('customer', 'c1', date '2025-01-01', 500.00, 1400.00),
('customer', 'c2', date '2025-01-01', 200.00, 200.00),
('entity', 'fr01', date '2024-11-01', 0, 0),
('entity', 'fr01', date '2024-12-01', 900.00, 900.00),
('entity', 'fr01', date '2025-01-01', 700.00, 1600.00);

create table mart_dso (
    as_of_date date, scope_type text, scope_value text, dso_countback numeric, dso_status text,
    average_days_delinquent numeric
);
insert into mart_dso values
(date '2024-12-31', 'entity', 'fr01', 44.0, 'ok', 20.0),
(date '2025-01-31', 'entity', 'fr01', 48.5, 'ok', 22.0),
(date '2025-01-31', 'customer', 'c1', 72.0, 'ok', 42.0),
(date '2025-01-31', 'customer', 'c2', 57.0, 'ok', 27.0),
(date '2025-01-31', 'customer', 'c3', 0, 'no_debt', null);

create table mart_dso_explain (as_of_date date, month_start date, revenue_company_amount numeric);
insert into mart_dso_explain values
(date '2025-01-31', date '2025-01-01', 700.00),
(date '2025-01-31', date '2024-12-01', 900.00);

create table mart_dso_bridge (
    as_of_date date, scope_type text, scope_value text, revenue_effect_days numeric,
    not_due_effect_days numeric, overdue_effect_days numeric, dispute_effect_days numeric
);
insert into mart_dso_bridge values
(date '2025-01-31', 'entity', 'fr01', 2.0, 3.0, -0.5, 0.0);

create table mart_aged_balance_by_issue_date (
    as_of_date date, entity_id text, issue_bucket text, open_company_amount numeric(20, 2)
);
insert into mart_aged_balance_by_issue_date values
(date '2025-01-31', 'fr01', 'issued_0_30', 250.00),
(date '2025-01-31', 'fr01', 'issued_31_60', 650.00),
(date '2025-01-31', 'fr01', 'issued_61_90', 400.00),
(date '2025-01-31', 'fr01', 'unapplied_credit', -50.00);

create table mart_aged_balance_by_scope (
    as_of_date date, scope_type text, scope_value text, bucket text,
    open_company_amount numeric(20, 2)
);
insert into mart_aged_balance_by_scope values
(date '2025-01-31', 'entity', 'fr01', 'not_due', 250.00),
(date '2025-01-31', 'entity', 'fr01', 'overdue_1_30', 1050.00),
(date '2025-01-31', 'sector', 'Retail', 'overdue_1_30', 650.00),
(date '2025-01-31', 'sector', 'Retail', 'overdue_over_120', 400.00);

create table mart_top_debtors as
select
    date '2025-01-31' as as_of_date,
    entity_id,
    customer_id,
    sum(open_company_amount) as open_company_amount
from fct_open_items
group by entity_id, customer_id;

create table mart_future_dated_documents as
select date '2025-01-31' as as_of_date, 'fr01' as entity_id, date '2025-02-03' as booking_date;

create table mart_top_overdue_invoices as
select date '2025-01-31' as as_of_date, entity_id, open_item_id, open_company_amount
from fct_open_items
where days_overdue > 0;

create table mart_payer_behaviour (
    as_of_date date, entity_id text, customer_id text, paid_company_amount_3m numeric,
    avg_days_late_3m numeric, overdue_company_amount numeric
);
insert into mart_payer_behaviour values
(date '2024-12-31', 'fr01', 'c1', 120.00, 61.00, 0),
(date '2025-01-31', 'fr01', 'c1', 120.00, 61.00, 400.00),
(date '2025-01-31', 'fr01', 'c2', 0, null, 350.00),
(date '2025-01-31', 'fr01', 'c4', 60.00, 40.00, 0);

create table mart_kpi_monthly as
select
    'fr01' as entity_id,
    cast(date_trunc('month', as_of_date) as date) as month_start,
    cast(as_of_date as date) as as_of_date,
    700.00 as revenue_company_amount,
    650.00 as receipts_company_amount,
    20.00 as refunds_company_amount,
    0.004 as loss_ratio,
    600.00 as due_company_amount,
    240.00 as paid_on_time_company_amount
from (
    select date '2025-02-01' + n * interval '1 month' - interval '1 day' as as_of_date
    from generate_series(-12, 0) as n
) as month_ends;

create table mart_roll_rates (
    period_end_date date, entity_id text, from_bucket text, to_state text, roll_rate numeric
);
insert into mart_roll_rates values
(date '2025-01-31', 'fr01', 'not_due', 'worse', 0.98),
(date '2025-01-31', 'fr01', 'not_due', 'written_off', 0.02);

create table mart_invoice_cohorts (
    entity_id text, issue_month date, age_months integer, period_end_date date,
    billed_company_amount numeric, open_company_amount numeric
);
insert into mart_invoice_cohorts values
('fr01', date '2024-01-01', 12, date '2025-01-31', 800.00, 12.00),
('fr01', date '2025-01-01', 0, date '2025-01-31', 700.00, 650.00);

create table mart_late_payments (
    month_start date, as_of_date date, scope_type text, scope_value text, payment_count bigint,
    late_count bigint, late_share_amount numeric
);
insert into mart_late_payments values
(date '2024-12-01', date '2024-12-31', 'entity', 'fr01', 80, 30, 0.40),
(date '2025-01-01', date '2025-01-31', 'entity', 'fr01', 90, 30, 0.35);

create table mart_tie_out (
    entity_id text, source text, account text, as_of_date date, ledger_balance numeric(20, 2),
    aged_balance_total numeric(20, 2), difference numeric(20, 2), is_tied boolean
);
insert into mart_tie_out values
('fr01', 'fec', '411', date '2024-12-31', 1050.00, 1050.00, 0.00, true),
('fr01', 'fec', '411', date '2025-01-31', 1250.00, 1250.00, 0.00, true),
('fr01', 'fec', '416', date '2025-01-31', null, 0.00, null, null);

create table mart_restatements (
    as_of_date date, entity_id text, open_item_id text, change_company_amount numeric(20, 2)
);
insert into mart_restatements values
(date '2024-12-31', 'fr01', 'i1', -20.00);

create table mart_alerts (
    as_of_date date, alert_id text, alert_type text, entity_id text, customer_id text
);
insert into mart_alerts values
(date '2025-01-31', 'overdue_ratio:fr01', 'overdue_ratio', 'fr01', null),
(date '2025-01-31', 'concentration:fr01:c1', 'concentration', 'fr01', 'c1');

create table data_profile as
select entity_id, measure, 'all' as item, measured_value
from (
    select entity_id, count(*) as open_items, sum(open_company_amount) as outstanding
    from fct_open_items
    group by entity_id
) as measured
cross join lateral (
    values ('open_items', cast(open_items as numeric)), ('outstanding', outstanding)
) as measures (measure, measured_value);

create table day_digests as
select 'movement' as fact_type, movement_date as business_date, count(*) as fact_count
from fct_receivable_movements
group by movement_date
union all
select fact_type, date '0001-01-01', 1
from unnest(array['entity', 'policy', 'home_policy']) as kinds (fact_type);

create table mart_data_quality (
    run_id text, table_name text, check_name text, severity text, state text, gate_decision text
);
insert into mart_data_quality values
('run-0', 'mart_dso', 'company_dso_is_stable', 'critical', 'failed', 'hold'),
('run-1', 'mart_dso', 'company_dso_is_stable', 'critical', 'passed', 'publish'),
('run-1', 'mart_kpi_monthly', 'losses_are_small', 'warning', 'failed', 'publish');

set search_path = intermediate;

create table int_followed_publication as
select date '2024-12-31' as as_of_date, 31 as elapsed_days;

create table int_policies as
select 'fr01' as entity_id, 'unapplied' as policy, 'separate' as policy_value;

create table int_thresholds as
select
    'fr01' as entity_id,
    measure,
    'level' as change_kind,
    1.0 as warn_above,
    case measure when 'source_difference' then 0.5 else 0.2 end as hold_above,
    case measure when 'table_rows' then 5 else 1 end as minimum_rows
from unnest(
    array[
        'table_rows', 'future_documents', 'rate_deviation', 'source_difference',
        'untaxed_share', 'moved_due_dates'
    ]
) as measures (measure);

create table int_announced_changes (
    entity_id text, measure text, reason text, ends_on date
);
insert into int_announced_changes values
('fr01', 'outstanding', 'a contract', date '2025-02-28');

create table int_entities as select 'fr01' as entity_id, 'EUR' as base_currency;

create table int_gathered_readings as select 'files' as source, 'fr01' as entity_id;
create table reference.freshness as select 'files' as source;

create table int_source_freshness (
    entity_id text, source text, role text, age_days integer, warn_after_days integer,
    hold_after_days integer, state text
);
insert into int_source_freshness values ('fr01', 'files', 'ledger', 1, 45, 120, 'fresh');

create table int_gathered_exchange_rates (
    currency_code text, base_currency text, rate_date date, exchange_rate numeric
);
insert into int_gathered_exchange_rates values
('USD', 'EUR', date '2024-12-02', 0.50),
('USD', 'EUR', date '2025-01-09', 0.95);

create table int_drift (
    entity_id text, measure text, item text, measured_value numeric, change numeric,
    warn_above numeric, hold_above numeric, at_least numeric, at_most numeric, state text, told text,
    announced_reason text
);
insert into int_drift
select 'fr01', measure, 'all', 110, 0.1, 0.5, 2.0, null, 300, 'steady', '110 after 100', null
from unnest(
    array[
        'past_movements', 'vanished_items', 'vanished_customers', 'changed_items', 'added_items',
        'outstanding', 'outstanding_in_currency', 'open_items', 'customers', 'average_invoice',
        'revenue_of_closed_months', 'unapplied_share', 'overdue_share', 'estimated_share',
        'bucket_changes', 'invoice_rates', 'revaluation_rates', 'source_rows', 'restated_balance'
    ]
) as measures (measure);

create table int_roll_forward as
select
    'fr01' as entity_id,
    1050.00 as opening_company_amount,
    0.00 as restated_company_amount,
    1250.00 as closing_company_amount,
    0.00 as difference_company_amount;

create table int_revaluation_rates (
    entity_id text, currency_code text, item_count bigint, rate_age_days integer,
    outrun_days integer, rate_hold_after_days integer, rate_warn_after_days integer,
    rate_state text, holds_publication boolean, what_to_do text
);
insert into int_revaluation_rates values
('fr01', 'USD', 1, 1, 0, 35, 7, 'current', false, null);

create table int_refused_rows (
    source text, stream text, entity_id text, record_key text, file_name text, line_no bigint,
    column_name text, reason text
);

create table int_source_differences (
    source text, document_key text, entity_id text, source_document_id text, currency_code text,
    source_open_amount numeric, open_amount numeric
);

create table int_ledger_years (
    source text, entity_id text, closing_date date, file_name text, line_count bigint,
    total_debit numeric(20, 2), total_credit numeric(20, 2), is_balanced boolean,
    has_lettering boolean, matching text
);
insert into int_ledger_years values
(
    'fec', 'fr01', date '2024-12-31', '732829320FEC20241231.txt', 2, 5000.00, 5000.00, true, true,
    'lettered'
);

create table int_ledger_lines (
    source text, entity_id text, closing_date date, signed_amount numeric(20, 2)
);
insert into int_ledger_lines values
('fec', 'fr01', date '2024-12-31', 5000.00),
('fec', 'fr01', date '2024-12-31', -5000.00);

create table int_ledger_lettering_groups (
    entity_id text, closing_date date, ledger_account text, customer_id text, lettering text,
    group_balance numeric(20, 2), is_balanced boolean
);
insert into int_ledger_lettering_groups values
('fr01', date '2024-12-31', '411', 'c1', 'AA', 0.00, true);

-- The publication of the month before: i0 was open then and is settled now.
create schema marts;
set search_path = marts;

create table publication_info as
select
    'run-1' as run_id,
    date '2024-12-31' as as_of_date,
    timestamptz '2025-01-01 06:00:00+00' as known_on;
create table data_coverage as select * from marts_candidate.data_coverage;
create table dim_entity as select * from marts_candidate.dim_entity;
create table dim_customer as
select * from marts_candidate.dim_customer where customer_id <> 'c4';
create table customer_attributes as select * from marts_candidate.customer_attributes;
create table document_attributes as select * from marts_candidate.document_attributes;
create table fct_open_items as
select * from marts_candidate.fct_open_items where issue_date <= date '2024-12-31';
insert into fct_open_items values
('i0', 'fr01', 'c1', 'invoice', date '2024-10-01', date '2024-10-31', false, 'EUR', 120.00, 61);
create table fct_receivable_movements as
select * from marts_candidate.fct_receivable_movements where movement_date <= date '2024-12-31';
create table mart_dso as
select * from marts_candidate.mart_dso where as_of_date = date '2024-12-31';
insert into mart_dso
select date '2024-12-31', 'customer', 'c' || n, 30.0, 'ok', 5.0 from generate_series(1, 3) as n;
create table mart_tie_out as
select * from marts_candidate.mart_tie_out where as_of_date = date '2024-12-31';
create table mart_payer_behaviour as
select * from marts_candidate.mart_payer_behaviour where as_of_date = date '2024-12-31';
create table mart_late_payments as
select * from marts_candidate.mart_late_payments where as_of_date = date '2024-12-31';

create schema previous;
create view previous.publication_info as select * from marts.publication_info;
create table previous.data_profile as select * from marts_candidate.data_profile;
create table previous.day_digests as select * from marts_candidate.day_digests;

reset search_path;
analyze;
