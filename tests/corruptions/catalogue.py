"""The catalogue: one row per corruption of otherwise good books, and the check that must hold it.

`DELIVERED` is wrong when it comes, each in the books of one company; `MADE` goes wrong in the
warehouse; what is refused while it is loaded stands in in_the_files.py. A new corruption is a row
here and a function in in_the_data.py, or a row in in_the_models.py.
"""

from __future__ import annotations

from corruptions import in_the_data as data
from corruptions.corruption import Delivered
from corruptions.in_the_models import MODELS, RAW, TIE_OUT

REFUSED = "int_refused_rows.no_row_was_refused"
VANISHED = "int_drift.published_items_did_not_vanish"
REWRITTEN = "int_drift.published_items_were_not_rewritten"
ADDED = "int_drift.the_past_did_not_gain_documents"
UNAPPLIED = "int_drift.unapplied_credit_did_not_jump"
JUMPED = "int_drift.outstanding_did_not_jump"
RESTATED = "int_drift.published_balance_was_not_rewritten"

MADE = (*MODELS, *RAW)
DELIVERED = (
    # --- rows that are missing
    Delivered(
        data.lose_page_of_documents,
        REFUSED,
        "Payments of invoices that were not read would look like money nobody owed.",
    ),
    Delivered(
        data.lose_page_of_payments,
        REFUSED,
        "Customers would be reminded of what they have paid.",
    ),
    Delivered(
        data.lose_page_of_allocations,
        UNAPPLIED,
        "Paid invoices and their payments would both be open.",
    ),
    Delivered(
        data.lose_whole_history_of_documents,
        VANISHED,
        "A third of the receivables would be gone and everything else would agree.",
    ),
    Delivered(data.lose_payments, VANISHED, "Every invoice of a year would be open again."),
    Delivered(
        data.lose_allocations,
        UNAPPLIED,
        "Every invoice would be open, and every payment beside it.",
    ),
    Delivered(
        data.lose_customer_row,
        REFUSED,
        "Invoices of a customer that nobody knows cannot be collected.",
    ),
    Delivered(
        data.lose_customer,
        "int_drift.customers_did_not_vanish_with_their_invoices",
        "A customer would disappear from every report with what it owes.",
    ),
    Delivered(data.lose_an_instalment, REFUSED, "Half of a split invoice would never fall due."),
    Delivered(data.lose_everything, VANISHED, "A company would be owed nothing from today on."),
    Delivered(
        data.deliver_an_old_export,
        VANISHED,
        "Two months of invoices and payments would be undone.",
    ),
    Delivered(
        data.lose_open_documents,
        VANISHED,
        "What is not paid is what the warehouse is there for.",
    ),
    Delivered(data.lose_foreign_documents, VANISHED, "What is owed in dollars would be gone."),
    Delivered(
        data.lose_control_totals,
        "mart_tie_out.control_totals_did_not_vanish",
        "The proof against the books would be gone without a word.",
        has_control_totals=True,
    ),
    # --- rows that are there twice
    Delivered(data.repeat_page_of_documents, REFUSED, "Ten invoices would be owed twice."),
    Delivered(data.repeat_page_of_payments, REFUSED, "Ten payments would count twice."),
    Delivered(data.import_documents_again, RESTATED, "Every recent invoice would be owed twice."),
    Delivered(data.import_payments_again, UNAPPLIED, "Customers would be owed what they paid."),
    Delivered(data.import_allocations_again, REFUSED, "Each payment would be used twice."),
    Delivered(data.import_instalments_again, REFUSED, "A split invoice would be owed twice."),
    # --- amounts
    Delivered(data.flip_signs, REFUSED, "Customers would be owed what they owe."),
    Delivered(data.swap_document_types, RESTATED, "Invoices would be credits and credits owed."),
    Delivered(data.call_receipts_refunds, REWRITTEN, "Every payment would raise the debt."),
    Delivered(data.multiply_by_a_hundred, REWRITTEN, "Cents would be read as euros."),
    Delivered(data.divide_by_a_thousand, REWRITTEN, "1.440,00 would be read as 1.44."),
    Delivered(
        data.multiply_new_invoices_by_a_hundred,
        "int_drift.average_invoice_did_not_jump",
        "A new format of the export would make the last invoices a hundred times too large.",
    ),
    Delivered(data.cut_the_cents, REFUSED, "Settled invoices would keep some cents for ever."),
    Delivered(
        data.deliver_amounts_without_tax,
        "int_drift.revenue_of_closed_months_did_not_move",
        "Receivables and sales would be a fifth too small, and every ratio of the two right.",
    ),
    Delivered(
        data.deliver_new_amounts_without_tax,
        "fct_documents.amounts_contain_their_tax_as_before",
        "What is invoiced from May on would be a fifth too small.",
    ),
    Delivered(data.mix_up_amounts, REWRITTEN, "The total would be right and every customer wrong."),
    Delivered(data.write_everything_off, JUMPED, "What is owed would be given up by a wrong flag."),
    Delivered(data.write_off_more_than_is_owed, REFUSED, "A loss larger than the debt it is of."),
    # --- currencies
    Delivered(data.swap_currencies, REFUSED, "Euros would be called dollars without a rate."),
    Delivered(
        data.call_dollars_pounds,
        "int_revaluation_rates.open_currencies_have_a_rate",
        "What is owed in dollars would be valued as pounds.",
    ),
    Delivered(data.call_dollars_euros, REWRITTEN, "Dollars would be added to euros one to one."),
    Delivered(
        data.invert_rates,
        "int_drift.exchange_rates_of_invoices_did_not_jump",
        "A rate of 0.90 would be read as 1.11.",
    ),
    Delivered(data.set_rates_to_one, REWRITTEN, "Dollars would be added to euros one to one."),
    Delivered(
        data.multiply_rates_by_a_hundred,
        "int_drift.exchange_rates_of_invoices_did_not_jump",
        "A rate in percent would make a dollar worth 90 euros.",
    ),
    Delivered(data.lose_rates, REFUSED, "An amount without a rate has no value in the books."),
    Delivered(
        data.change_the_base_currency, REFUSED, "Every amount in the books would need a rate."
    ),
    # --- dates
    Delivered(
        data.swap_issue_and_due_dates,
        "fct_open_items.due_dates_follow_issue_dates",
        "Invoices would be due before they were sent.",
    ),
    Delivered(data.swap_day_and_month, REFUSED, "5 June would be read as 6 May."),
    Delivered(data.shift_by_a_day, REWRITTEN, "Everything would be due a day too early."),
    Delivered(data.shift_by_a_year, REWRITTEN, "Everything would be a year overdue."),
    Delivered(
        data.date_new_documents_a_year_back,
        "int_drift.revenue_of_closed_months_did_not_move",
        "The invoices of this month would be a year overdue.",
    ),
    Delivered(data.date_payments_in_the_future, REFUSED, "No payment would count yet."),
    Delivered(data.date_documents_in_the_future, REFUSED, "No invoice would be owed yet."),
    Delivered(
        data.lose_due_dates,
        "int_drift.due_dates_still_come_from_the_source",
        "Customers with longer terms would be chased too early.",
    ),
    Delivered(
        data.due_dates_at_the_epoch,
        "fct_open_items.due_dates_were_read_correctly",
        "An empty date read as zero makes everything fifty years overdue.",
    ),
    Delivered(
        data.move_due_dates,
        "fct_open_items.published_due_dates_stand",
        "Nothing would be overdue any more.",
    ),
    # --- who and what
    Delivered(
        data.give_documents_to_another_customer,
        REWRITTEN,
        "One customer would be asked for what another owes.",
    ),
    Delivered(data.shift_customers_by_a_row, REFUSED, "Payments of one would settle another."),
    Delivered(
        data.rename_customers,
        REWRITTEN,
        "Histories of payers would begin anew and reports list everybody twice.",
    ),
    Delivered(data.rename_documents, VANISHED, "All items would be unknown, and all others new."),
    Delivered(data.orphan_allocations, REFUSED, "Payments of invoices that do not exist."),
    Delivered(data.allocate_to_the_next_invoice, REFUSED, "What is paid would be open."),
    Delivered(
        data.post_drafts,
        TIE_OUT,
        "Customers would owe what nobody has invoiced.",
        has_control_totals=True,
    ),
    Delivered(data.call_open_documents_drafts, VANISHED, "What is not paid would not be owed."),
    Delivered(data.undo_all_settlements, REFUSED, "Everything that was ever paid would be open."),
    Delivered(
        data.damage_the_encoding,
        "dim_customer.names_are_readable",
        "CÃ¢blerie is found by nobody who looks for Câblerie.",
    ),
    Delivered(
        data.lose_accents,
        "dim_customer.names_are_readable",
        "C\N{REPLACEMENT CHARACTER}blerie is found by nobody who looks for Câblerie.",
    ),
    Delivered(
        data.lose_names,
        "dim_customer.names_did_not_vanish",
        "Reports would list numbers in the place of customers.",
    ),
    Delivered(
        data.flip_the_control_total,
        TIE_OUT,
        "A proof against the wrong figure is none.",
        has_control_totals=True,
    ),
)

# What no check can catch by its nature, and why.
NOT_CAUGHT = {
    "a jump of what is open, in a company with fewer than twenty open items": (
        "With so few, one invoice moves every share by more than an error would (minimum_rows in"
        " thresholds.csv); what contradicts history or control totals is found all the same."
    ),
    "a single wrong amount, date or customer of a new document, without a control total": (
        "It is as plausible as the right one; the ledger's balance and the source's own open amount"
        " find it where they are delivered."
    ),
    "a few documents of the past that are changed or gone": (
        "Bookkeepers do that, too; it is reported in mart_restatements, item by item, and held from"
        " a share of the history on (thresholds.csv)."
    ),
    "an error that was there from the first publication on": (
        "It is the history that later deliveries are compared with; only what contradicts itself,"
        " the control totals or the calendar is found."
    ),
    "a payment on the wrong invoice of the same customer and amount": (
        "The sums of the customer are right, and nobody but the customer knows which was meant."
    ),
    "a settlement on the day before, instead of the day after, a month end that nobody proves": (
        "Totals without a control total on that day do not know on which side it belongs."
    ),
    "two entries of the source that are wrong by the same amount": (
        "They cancel in every total; only the two customers can tell."
    ),
}
