"""Why each check matters, in French: what a controller reads in messages and on the page.

The ledger keeps the English `why` of the expectation, or the description of the dbt test: a text
for engineers that does not move with the language of the home. It is put into French here, where it
is shown. A check that somebody added without a sentence here is told in its own English.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from encours.typography import typeset

# Table → check → one sentence. Tests between models stand under the table of their results.
FRENCH: Mapping[str, Mapping[str, str]] = {
    # What holds between models: dbt_project/tests/.
    "across_models": {
        "aged_balance_equals_movements": "À chaque date et au centime près, les tranches d’un"
        " client doivent faire ses factures moins ce qui les a soldées ; un écart est de"
        " l’argent absent de la balance âgée, ou montré deux fois.",
        "aged_balances_of_scopes_sum_to_the_whole": "La balance âgée du groupe doit être la somme"
        " de celles de ses clients, sans quoi un segment en a perdu.",
        "aging_buckets_cover_every_day": "Un trou entre deux tranches cache des créances, un"
        " chevauchement les compte deux fois.",
        "best_possible_dso_is_not_above_dso": "Un DSO inférieur au meilleur DSO possible, sans"
        " crédits qui l’expliquent, est mal calculé.",
        "cohorts_leave_open_what_is_open": "Les factures de tous les mois, moins ce qui les a"
        " soldées, doivent donner ce qui est ouvert aujourd’hui.",
        "cohorts_split_what_was_billed": "L’encaissé, les avoirs, les pertes et le solde des"
        " factures d’un mois doivent faire ce qui a été facturé, et l’encaissé ne baisse que"
        " si un règlement revient impayé.",
        "customers_owe_what_was_delivered": "Un client doit ce que sa source lui a facturé, moins"
        " les avoirs, les règlements et les passages en perte ; un écart viendrait de nos"
        " propres calculs.",
        "debtors_owe_their_open_items": "La liste des débiteurs doit montrer ce que chacun doit,"
        " ses crédits déduits.",
        "disputed_is_part_of_open": "Un montant en litige supérieur au solde ouvert rendrait"
        " négatif le reste non contesté.",
        "dso_bridge_explains_the_change": "La somme des effets doit faire la variation du DSO, sans"
        " quoi elle n’est pas expliquée.",
        "dso_explanation_adds_up": "La somme des mois montrés sous un DSO doit faire ce DSO, sans"
        " quoi personne ne peut l’expliquer.",
        "dso_receivables_equal_aged_balance": "Un DSO calculé sur un autre encours que celui de la"
        " balance âgée contredirait l’état voisin.",
        "dso_rests_on_the_open_items": "Le DSO doit se calculer sur ce qui est ouvert aujourd’hui,"
        " crédits déduits, et sur rien d’autre.",
        "ledger_periods_do_not_overlap": "Deux grands livres d’une même société qui ont des jours"
        " en commun comptent leurs écritures deux fois ; livrez un seul fichier pour tout"
        " l’exercice, il remplace les plus courts qu’il couvre.",
        "instalments_sum_to_their_invoice": "Des échéances dont la somme n’est pas celle de la"
        " facture font devoir au client plus ou moins que ce qu’il doit.",
        "issue_buckets_sum_to_the_total": "Par date de pièce comme par échéance, les tranches"
        " doivent faire ce qui est ouvert, sans quoi l’un des deux états cache des créances.",
        "kpi_balances_equal_aged_balance": "L’encours des chiffres mensuels doit être celui de la"
        " balance âgée, et leur échu celui des factures dont l’échéance est passée.",
        "kpi_flows_equal_movements": "Les encaissements, remboursements et passages en perte d’un"
        " mois doivent être ceux de l’auxiliaire clients, au centime près.",
        "late_payments_add_up": "Les règlements en retard et à l’heure doivent faire tous les"
        " règlements, et le groupe la somme de ses sociétés.",
        "open_items_are_aged_by_their_due_dates": "Une facture est échue depuis l’échéance que"
        " donne la source, et doit être dans la tranche de ce nombre de jours ; sinon, les"
        " clients sont relancés trop tôt ou trop tard.",
        "open_items_are_valued_at_their_own_rate": "Une facture en devise vaut son solde au cours"
        " de sa comptabilisation ; un autre cours crée une créance qui n’est pas dans les"
        " livres.",
        "open_items_are_what_settlements_left": "Ce qui a été réglé, crédité et passé en perte"
        " d’un poste doit laisser ce qui en reste ouvert, sans quoi personne ne peut dire à un"
        " client ce qu’est devenue sa facture.",
        "open_items_equal_positions_and_movements": "Les postes ouverts, leur historique et les"
        " mouvements doivent dire la même chose de chaque poste, sans quoi le chiffre du jour"
        " ne s’explique pas par son passé.",
        "outstanding_equals_aged_balance": "L’encours par statut doit être celui par ancienneté,"
        " sans quoi l’un des deux états perd des postes.",
        "payer_classes_cover_every_day": "Un trou entre deux classes de payeurs laisse des clients"
        " sans classe, un chevauchement les montre deux fois.",
        "payer_ranks_and_shares_add_up": "Chaque client qui a payé a son rang parmi ceux de sa"
        " société, et les parts du chiffre d’affaires font 100 %.",
        "positions_do_not_overlap": "Un poste qui a deux soldes ouverts le même jour serait compté"
        " deux fois dans un encours passé.",
        "positions_stay_within_the_item": "Une facture payée au-delà de son montant, ou un"
        " règlement utilisé deux fois, fausse le solde du client dans les deux sens.",
        "ratios_are_shares": "L’échu ne peut pas dépasser l’encours ; un tel ratio a mélangé ses"
        " termes.",
        "restatements_explain_the_aged_balance": "Ce qui a changé d’un mois clos doit être détaillé"
        " pièce par pièce, sans quoi un solde signé a changé et personne ne peut dire"
        " pourquoi.",
        "revalued_amounts_rest_on_a_published_rate": "Un montant réévalué doit être le solde ouvert"
        " au dernier cours publié à la date d’arrêté ; un cours que personne n’a publié crée"
        " une créance que personne ne doit.",
        "revenue_is_what_was_delivered": "Le chiffre d’affaires d’un mois doit être ce qui y a été"
        " facturé, TVA comprise, sans quoi la taxe fausse tous les DSO.",
        "roll_rates_sum_to_one": "Ce qui a quitté une tranche et ce qui y reste doivent faire tout"
        " ce qu’elle contenait, sans quoi des créances ont disparu entre deux fins de mois.",
        "settled_items_are_zero_in_company_currency": "Une facture soldée qui garderait quelques"
        " centimes dans la devise de la société serait relancée sans fin.",
        "settlements_create_no_money": "Ce qu’un règlement perd, une facture doit le perdre aussi ;"
        " tout écart crée ou détruit des créances.",
        "settlements_explain_what_is_open": "Ce que règlements, avoirs et pertes soldent d’une"
        " facture doit laisser ce que l’encours montre ouvert, sans quoi les retards sont"
        " mesurés sur d’autres règlements que ceux qui ont réduit la créance.",
        "states_in_force_are_shown": "Ce qui est aujourd’hui en litige ou en recouvrement doit être"
        " montré comme tel, et ce qui est clos ne doit plus l’être.",
        "tie_out_compares_the_books": "Le rapprochement doit se faire avec le solde que donne la"
        " comptabilité, sans quoi il compare les chiffres à eux-mêmes.",
        "tie_out_shows_the_aged_balance": "Le rapprochement avec la comptabilité doit porter sur"
        " les chiffres publiés, sans quoi il ne prouve rien.",
        "unapplied_credit_is_shown_as_such": "Les avoirs et les règlements sans facture doivent"
        " être montrés comme crédits non imputés, sans quoi ils se cachent dans le non échu.",
        "unapplied_policy_keeps_the_total": "La façon de montrer les crédits et les tranches est un"
        " choix, l’encours n’en est pas un ; un total qui change avec ce choix est faux dans"
        " l’un des cas.",
    },
    "customer_attributes": {
        "custom_criteria_are_few": "Plus de 200 critères libres sur les clients ne font plus un"
        " choix de filtres ; l’en-tête d’un fichier a sans doute été mal lu.",
        "no_custom_criterion_vanished": "Un critère libre de la dernière publication a disparu :"
        " les tableaux de bord filtrés par ce critère seront vides.",
    },
    "customer_digests": {
        "every_customer_with_items_has_a_number": "Un client a des postes sans empreinte de ce"
        " qu’en dit sa source : une correction de ses factures passerait inaperçue, et elles"
        " seraient montrées comme avant elle.",
        "what_holds_for_every_customer_is_part_of_a_number": "Une autre devise de la société ou une"
        " autre règle change les postes de tous ses clients ; sans leur empreinte, ils seraient"
        " montrés selon les règles d’avant.",
    },
    "data_coverage": {
        "at_least_one_source_is_covered": "Le lot ne nomme aucune source : l’origine d’aucun"
        " chiffre ne peut être retrouvée.",
        "business_dates_are_plausible": "Une source dont des dates sont antérieures à 1990, ou à"
        " plus de dix ans dans l’avenir, contient des dates mal saisies ou mal lues.",
        "delivered_rows_are_all_there": "L’entrepôt contient plus ou moins de lignes d’une"
        " livraison que ses fichiers, lignes refusées mises à part : des lignes ont été"
        " perdues ou doublées depuis le chargement.",
        "no_stream_vanished": "Une source qui alimentait la dernière publication est absente de"
        " celle-ci : ses chiffres manquent peut-être.",
    },
    "data_profile": {
        "every_company_is_measured": "Les mesures auxquelles la prochaine publication sera comparée"
        " ne sont pas celles des postes ouverts de cette société : un saut passerait inaperçu,"
        " ou un jour ordinaire serait retenu.",
        "no_measure_vanished": "La dernière publication mesurait de cette société ce que celle-ci"
        " ne mesure pas, par exemple une facture moyenne quand rien n’a été facturé depuis trois"
        " mois ; rien ne lui est comparé.",
    },
    "day_digests": {
        "what_holds_for_every_day_is_part_of_a_number": "Une autre devise de la société ou une"
        " autre règle change toutes les fins de mois ; sans leur empreinte, les anciennes seraient"
        " montrées selon les règles d’avant.",
    },
    "dim_customer": {
        "at_least_one_customer_is_present": "Le lot ne contient aucun client : aucune créance ne"
        " peut être attribuée.",
        "country_codes_are_two_letters": "Un pays s’écrit en deux lettres, comme FR ; toute autre"
        " valeur répartit un même pays sur plusieurs lignes d’un état.",
        "dim_customer_parent_exists": "La société mère nommée dans le fichier des clients n’y"
        " figure pas elle-même, et le groupe ne peut pas être montré ; aucun montant n’en"
        " dépend.",
        "names_are_readable": "Des noms de clients sont pleins de signes comme Ã© : le fichier a"
        " été lu dans un autre encodage que le sien, et aucun nom ne peut être recherché ;"
        " enregistrez-le en UTF-8.",
        "names_did_not_vanish": "Des clients qui avaient un nom à la dernière publication n’en ont"
        " plus : la colonne des noms n’a pas été lue.",
        "no_customer_vanished": "Des clients de la dernière publication ont disparu alors que leur"
        " société est toujours là ; ils ont été fusionnés ou supprimés à la source, ou n’ont"
        " pas été lus.",
        "sirens_have_nine_digits": "Un SIREN a neuf chiffres ; un client qui en porte un autre ne"
        " peut pas être rapproché entre sociétés, ni des assureurs, ni des registres.",
    },
    "dim_entity": {
        "at_least_one_company_is_present": "Le lot ne contient aucune société : tous les états"
        " seraient vides.",
        "base_currencies_are_three_letter_codes": "La devise dans laquelle une société tient ses"
        " comptes est un code de trois lettres comme EUR, sans quoi les totaux n’ont pas"
        " d’unité.",
        "no_company_vanished": "Une société que les états montraient jusqu’ici a disparu, et tout"
        " son encours avec elle.",
        "sirens_have_nine_digits": "Un SIREN a neuf chiffres ; une société qui en porte un autre ne"
        " peut être rapprochée ni des assureurs, ni des registres.",
    },
    "document_attributes": {
        "custom_criteria_are_few": "Plus de 200 critères libres sur les factures ne font plus un"
        " choix de filtres ; l’en-tête d’un fichier a sans doute été mal lu.",
        "no_custom_criterion_vanished": "Un critère libre de la dernière publication a disparu :"
        " les tableaux de bord filtrés par ce critère seront vides.",
    },
    "fct_documents": {
        "amounts_contain_their_tax_as_before": "Les factures récentes de cette société portent le"
        " même montant TTC et HT, ce qui n’était pas le cas des précédentes : la colonne HT a"
        " été livrée à la place de la colonne TTC.",
        "amounts_are_not_negative": "Le type d’une pièce dit dans quel sens elle compte ; une"
        " facture de montant négatif diminuerait ce que doit le client, et un avoir"
        " l’augmenterait.",
        "documents_are_not_of_the_future": "De nombreuses pièces sont datées de plus d’un mois"
        " après le jour de leur lecture : l’année, ou l’ordre du jour et du mois, a été mal"
        " lu.",
        "rates_agree_with_the_published_ones": "Une pièce en devise est convertie à un cours très"
        " éloigné de celui publié ce jour-là : son montant dans les livres est faux.",
    },
    "fct_invoice_settlements": {
        "settlements_are_not_more_than_their_item": "Aucune facture ne reçoit plus que son montant,"
        " ni moins que rien ; un tel règlement est celui d’une autre facture, et les retards"
        " seraient pondérés par de l’argent que personne n’a payé.",
        "settlements_cease_after_they_begin": "Un règlement qui cesse de compter le jour où il"
        " commence, ou avant, ne solde rien : la facture qu’il a payée serait réclamée de"
        " nouveau.",
    },
    "fct_item_states": {
        "no_more_is_disputed_than_was_invoiced": "Un litige qui dépasse sa facture est mal saisi,"
        " ou celui d’une autre facture ; seul ce qui est ouvert est montré en litige.",
        "state_dates_are_plausible": "Un litige, un dossier ou une promesse d’avant 1990, ou de"
        " plus de dix ans dans l’avenir, est mal saisi à la source.",
        "states_end_after_they_open": "Un litige ou un dossier clos avant d’être ouvert ne vaut"
        " aucun jour : les clients seraient relancés de ce qu’ils contestent.",
    },
    "fct_items": {
        "amounts_have_the_sign_of_their_kind": "Factures et remboursements sont dus, avoirs et"
        " règlements sont déduits ; un poste de l’autre signe compte deux fois son montant dans"
        " le mauvais sens.",
        "invoices_have_a_due_date": "Une facture sans échéance n’est échue aucun jour : elle ne"
        " serait dans aucune tranche, et personne ne la réclamerait.",
    },
    "fct_open_item_positions": {
        "position_dates_are_plausible": "Un solde qui commence avant 1990, ou à plus de dix ans"
        " dans l’avenir, vient d’une date de pièce ou de règlement mal saisie.",
        "positions_are_present": "Sans l’historique des postes, aucun encours passé ne peut être"
        " montré.",
    },
    "fct_open_items": {
        "currency_codes_are_three_letters": "Un montant dont la devise n’est pas un code de trois"
        " lettres comme EUR ne s’additionne avec aucun autre.",
        "due_dates_are_plausible": "Une échéance antérieure à 1990, ou à plus de dix ans dans"
        " l’avenir, est mal saisie à la source et met le poste dans la mauvaise tranche.",
        "due_dates_come_from_the_source": "Ces factures sont arrivées sans échéance : les"
        " conditions de paiement, ou 30 jours, ont été appliquées.",
        "due_dates_follow_issue_dates": "De nombreuses factures de cette société sont échues avant"
        " leur émission : les deux colonnes ont été interverties, ou leurs dates mal lues.",
        "due_dates_were_read_correctly": "Plus d’une échéance sur vingt est antérieure à 1990 ou à"
        " plus de dix ans dans l’avenir : le format de date d’un fichier a été mal lu, et"
        " aucune tranche n’est fiable.",
        "estimated_due_dates_are_a_minority": "Plus de la moitié des factures ouvertes de cette"
        " société n’ont pas d’échéance propre ; leurs retards reposent sur des conditions de"
        " paiement par défaut (un FEC ne porte jamais d’échéance).",
        "issue_dates_are_plausible": "Une pièce datée d’avant 1990 est presque certainement mal"
        " saisie à la source.",
        "nothing_is_ten_years_overdue": "Un poste échu depuis dix ans dépasse tout délai de"
        " prescription ; il devrait être passé en perte, ou son règlement n’a jamais été"
        " lettré.",
        "open_items_are_present": "Rien n’est ouvert à cette date ; c’est possible pour une petite"
        " société, improbable pour un groupe.",
        "published_due_dates_stand": "De nombreuses factures ouvertes à la dernière publication"
        " échoient maintenant un autre jour ; les conditions de tous les clients ne changent"
        " pas du jour au lendemain, les échéances ont donc été lues dans une autre colonne.",
        "unapplied_credit_is_moderate": "Les règlements et les avoirs non lettrés dépassent la"
        " moitié de ce que doivent les clients : bien des factures montrées échues sont"
        " peut-être déjà payées.",
    },
    "fct_receivable_movements": {
        "movement_dates_are_plausible": "Un mouvement antérieur à 1990, ou à plus de dix ans dans"
        " l’avenir, est mal saisi à la source.",
        "movements_are_present": "Le lot ne contient ni facture, ni règlement, ni avoir : les"
        " sources n’ont rien livré.",
    },
    "int_announced_changes": {
        "no_check_of_the_batch_is_put_aside": "Cette société dépassera une limite de ses données,"
        " comme policies.yml l’annonce avec le motif indiqué à côté : jusqu’à ce jour, le contrôle"
        " de cette limite ne la retient pas.",
    },
    "int_drift": {
        "announced_jumps_are_reported": "Des chiffres ont dépassé leurs limites, et policies.yml"
        " l’avait annoncé ; le motif figure à côté, et l’annonce prend fin d’elle-même.",
        "announcements_are_of_companies_that_exist": "Une variation est annoncée dans policies.yml"
        " pour une société qu’aucune source ne livre, et l’annonce est sans effet ; cherchez"
        " une faute de frappe dans le nom de la société.",
        "average_invoice_did_not_jump": "Le montant moyen des factures des trois derniers mois est"
        " plusieurs fois plus grand ou plus petit qu’à la dernière publication, comme"
        " lorsqu’une virgule décimale se perd.",
        "booked_history_is_still_there": "Les mouvements comptabilisés jusqu’à la dernière"
        " publication sont bien plus, ou bien moins, nombreux qu’alors, quand le passé ne"
        " devrait gagner que quelques écritures tardives : une livraison a été doublée ou"
        " coupée.",
        "customers_did_not_double_or_halve": "Cette société a deux fois plus, ou deux fois moins,"
        " de clients qu’à la dernière publication : une liste de clients manque, ou est celle"
        " d’une autre société.",
        "customers_did_not_vanish_with_their_invoices": "Un client de la dernière publication a"
        " disparu avec ses factures, et ce qu’il doit manquerait ; un client fusionné laisse"
        " ses factures à un autre.",
        "customers_stayed_in_their_buckets": "La plupart des clients ont changé de tranche de la"
        " balance âgée depuis la dernière publication ; les jours passent de même pour tous,"
        " des dates ont donc sans doute été mal lues.",
        "due_dates_still_come_from_the_source": "Les factures ouvertes sans échéance propre sont"
        " bien plus, ou bien moins, nombreuses qu’à la dernière publication : la colonne n’a"
        " pas été lue.",
        "exchange_rates_of_invoices_did_not_jump": "Des factures en devise sont converties à des"
        " cours très éloignés de ceux de la dernière publication, comme lorsqu’un cours est"
        " inversé.",
        "nothing_moved_more_than_usual": "Des chiffres ont bougé plus que d’ordinaire depuis la"
        " dernière publication, sans aller jusqu’à retenir celle-ci ; quelqu’un devrait savoir"
        " pourquoi.",
        "open_items_did_not_jump": "Cette société a plusieurs fois plus, ou plusieurs fois moins,"
        " de postes ouverts qu’à la dernière publication : un fichier manque ou a été lu deux"
        " fois.",
        "outstanding_did_not_jump": "L’encours de cette société est plusieurs fois plus grand ou"
        " plus petit qu’à la dernière publication ; si c’est juste, annoncez-le dans"
        " policies.yml ou publiez avec un motif.",
        "outstanding_of_each_currency_did_not_jump": "L’encours dans une devise est plusieurs fois"
        " plus grand ou plus petit qu’à la dernière publication, comme lorsque des montants"
        " reçoivent la mauvaise devise.",
        "overdue_share_did_not_jump": "La part échue de l’encours est bien plus grande ou plus"
        " petite qu’à la dernière publication, comme lorsque des échéances sont mal lues.",
        "published_balance_was_not_rewritten": "Ce qui était ouvert à la dernière publication,"
        " recalculé aujourd’hui, diffère d’un tiers ; lisez mart_restatements avant que"
        " quiconque utilise les nouveaux chiffres.",
        "published_exchange_rates_did_not_jump": "Le cours d’une devise est très éloigné de celui"
        " de la dernière publication, comme lorsqu’il est inversé ou que c’est celui d’une"
        " autre devise.",
        "published_items_did_not_vanish": "Des factures, des avoirs ou des règlements publiés sont"
        " devenus inconnus ; une facture payée reste dans les livres, une source n’a donc été"
        " lue qu’en partie.",
        "published_items_were_not_rewritten": "De nombreuses pièces publiées ont changé de date, de"
        " montant, de devise ou de client ; une pièce comptabilisée se corrige par un avoir,"
        " une colonne a donc sans doute été mal lue.",
        "revenue_of_closed_months_did_not_move": "Le chiffre d’affaires d’un mois clos depuis"
        " longtemps a changé de plus que ne l’expliquent des corrections isolées, comme"
        " lorsque la TVA est omise ou qu’un fichier manque.",
        "rows_of_each_stream_did_not_jump": "Un flux d’une source contient deux fois plus, ou deux"
        " fois moins, de lignes qu’à la dernière publication : il a été lu deux fois, ou en"
        " partie seulement.",
        "the_past_did_not_gain_documents": "Bien plus de pièces du passé sont arrivées qu’il n’en"
        " est saisi en retard d’habitude : une livraison a été lue deux fois, ou appartient à"
        " une autre société.",
        "unapplied_credit_did_not_jump": "La part des crédits dans ce qui est ouvert est bien plus"
        " grande ou plus petite qu’à la dernière publication : des règlements, ou ce qu’ils"
        " paient, ne sont pas arrivés.",
    },
    "int_ledger_years": {
        "debits_equal_credits": "Dans ce fichier des écritures comptables (FEC), les débits"
        " diffèrent des crédits : il est incomplet, ou a été modifié après son export.",
        "lines_of_the_file_are_all_there": "L’entrepôt contient un autre nombre d’écritures, ou un"
        " autre solde, que ce FEC lors de sa lecture : des écritures ont été perdues ou"
        " doublées depuis.",
        "payments_are_matched_by_lettering": "Ce FEC ne porte aucun code de lettrage (ou la règle"
        " choisie les ignore) : les règlements soldent les plus anciennes factures d’abord, et"
        " des factures peuvent être montrées ouvertes à tort ; les totaux par client restent"
        " justes.",
    },
    "int_ledger_lettering_groups": {
        "lettering_groups_add_up_to_zero": "Des lignes lettrées ensemble devraient se solder ;"
        " l’écart de ces lettrages reste montré ouvert jusqu’à ce qu’un comptable les corrige.",
    },
    "int_policies": {
        "choices_are_of_entities_that_exist": "Un choix de policies.yml vise une société qu’aucune"
        " source ne livre, et il est sans effet ; cherchez une faute de frappe dans entity_id.",
    },
    "int_refused_rows": {
        "no_row_was_refused": "Une pièce ou un règlement n’a pas pu être repris (le motif est"
        " donné), et l’omettre fausserait l’encours.",
    },
    "int_revaluation_rates": {
        "open_currencies_have_a_rate": "Un poste est ouvert dans une devise dont aucun cours n’est"
        " connu, et sa valeur actuelle ne peut pas être donnée ; une société qui n’en a pas"
        " besoin met la règle revaluation à optional.",
        "rates_are_current": "Les montants réévalués reposent sur des cours plus anciens que ne"
        " l’admet la règle rate_warn_after_days, ou sont vides faute de cours ; vérifiez que"
        " les cours arrivent encore.",
        "rates_are_not_too_old": "La comptabilité a continué et les cours de change se sont"
        " arrêtés, depuis plus longtemps que ne l’admet la règle rate_hold_after_days : les"
        " montants réévalués montreraient un marché passé.",
    },
    "int_roll_forward": {
        "receivables_roll_forward": "L’encours de la dernière publication, ses retraitements, puis"
        " les factures, avoirs, règlements et passages en perte survenus depuis ne font pas"
        " l’encours actuel : l’un d’eux est faux.",
        "restated_amounts_are_reported": "Ce qui était ouvert à la dernière publication a changé de"
        " montant, par une saisie, une correction ou une suppression tardive ;"
        " mart_restatements nomme les pièces.",
    },
    "int_source_differences": {
        "sources_agree_in_total": "Pour une grande part des pièces ouvertes, le logiciel comptable"
        " montre un autre solde que nous : ses règlements ne sont pas lus comme il les entend.",
        "sources_agree_on_what_is_open": "Un logiciel comptable donne à une pièce un autre solde"
        " que celui que laissent ses propres règlements et avoirs : un règlement manque ici,"
        " ou le logiciel solde autrement.",
    },
    "int_source_freshness": {
        "every_source_has_its_limits": "Personne n’a dit quel âge cette source peut atteindre"
        " (freshness.csv) : son silence passerait inaperçu.",
        "mandatory_ledgers_are_fresh": "La comptabilité de cette société s’est arrêtée alors que"
        " les jours passaient, et son encours n’est plus vrai ; livrez-la, rétablissez la"
        " connexion, ou publiez avec un motif.",
        "other_sources_are_not_too_old": "Un assureur-crédit, ou une autre source à côté de la"
        " comptabilité, n’a rien livré depuis si longtemps que ses limites et ses notes ne"
        " disent plus rien.",
        "sources_are_on_time": "Cette source n’a rien livré de nouveau depuis plus longtemps que"
        " convenu : il manque peut-être des factures et des règlements récents.",
    },
    "mart_aged_balance": {
        "aged_balance_shows_the_date_of_the_run": "Des postes sont ouverts à la date d’arrêté, mais"
        " la dernière balance âgée est d’une autre date : l’état montrerait d’anciens chiffres"
        " comme nouveaux.",
        "carried_month_ends_equal_positions": "Une fin de mois reprise de la publication précédente"
        " doit rester la somme des postes ouverts ce jour-là ; sinon, relancez avec --full.",
        "old_debt_is_a_minority": "Plus de la moitié de l’encours de cette société est dans la"
        " tranche la plus ancienne ; le recouvrement est en difficulté, ou des règlements"
        " n’ont pas été lettrés.",
    },
    "mart_aged_balance_by_issue_date": {
        "documents_are_aged_on_the_date_of_the_run": "Des postes sont ouverts à la date d’arrêté,"
        " mais la balance par date de pièce est d’une autre date, ou vide : l’état montrerait"
        " d’anciens chiffres comme nouveaux.",
        "oldest_documents_are_a_minority": "Plus de la moitié de ce que doivent les clients de"
        " cette société vient de pièces de la tranche la plus ancienne ; des délais sont très"
        " longs, ou des règlements n’ont pas été lettrés.",
    },
    "mart_aged_balance_by_scope": {
        "oldest_bucket_is_a_minority_of_every_segment": "Plus de la moitié de l’encours de ce"
        " segment est dans la tranche la plus ancienne ; ses clients sont à examiner.",
        "scopes_are_aged_on_the_date_of_the_run": "Des postes sont ouverts à la date d’arrêté, mais"
        " la dernière balance âgée par segment est d’une autre date : l’état montrerait"
        " d’anciens chiffres comme nouveaux.",
    },
    "mart_alerts": {
        "alerts_show_the_date_of_the_run": "Une alerte d’une autre date que les chiffres voisins"
        " enverrait quelqu’un traiter un problème déjà passé.",
        "alerts_stand_for_a_minority_of_customers": "Quand plus de la moitié des clients"
        " déclenchent une alerte, personne ne les lit : un seuil ne convient pas à la société,"
        " ou des échéances ont été mal lues.",
    },
    "mart_data_quality": {
        "checks_of_the_last_publication_are_kept": "Ce que le contrôle a trouvé de la dernière"
        " publication n’est plus connu : personne ne peut dire sur quoi ses chiffres ont été"
        " publiés ; un journal a été vidé, ou repris d’une copie.",
        "the_last_publication_was_let_through_for_good_reason": "La dernière publication est passée"
        " alors qu’un contrôle critique était en échec ou n’avait pas été fait ; regardez ces"
        " chiffres, et qui a modifié le journal.",
    },
    "mart_dso": {
        "company_dso_is_between_zero_and_ten_years": "Une société dont les clients paieraient en"
        " moins de zéro jour, ou en plus de dix ans, a dans ce lot un encours ou un chiffre"
        " d’affaires faux.",
        "company_dso_is_stable": "Le DSO d’une société a bougé de plus de la moitié, et de plus de"
        " 15 jours, depuis la dernière publication ; les clients ne changent pas si vite"
        " d’habitudes.",
        "dso_is_between_zero_and_ten_years": "Un DSO qui n’est pas entre 0 et 3 660 jours signale"
        " un client ou un segment dont les règlements ou les factures n’ont pas été lettrés.",
        "dso_shows_the_date_of_the_run": "Le dernier DSO est d’une autre date que l’arrêté : l’état"
        " montrerait un ancien DSO comme celui du jour.",
        "early_payers_do_not_outweigh_late_ones": "Le DSO est inférieur au meilleur DSO possible,"
        " ce qui n’arrive que si les crédits non lettrés dépassent l’échu.",
        "revenue_history_is_long_enough": "Pour plus d’un cinquième des périmètres de ce type, les"
        " factures remontent moins loin que les créances, et leur DSO est un minimum ; chargez"
        " les années antérieures.",
    },
    "mart_dso_bridge": {
        "change_of_the_run_is_explained": "Un DSO est montré à la date d’arrêté, mais ce qui l’a"
        " fait varier manque ou est d’une autre date.",
        "no_single_effect_is_a_quarter": "Une seule cause a déplacé le DSO d’une société de plus de"
        " 90 jours depuis la date précédente, ce qui ressemble à des factures ou des"
        " règlements manquants plus qu’à de l’activité.",
    },
    "mart_dso_explain": {
        "consumed_months_are_plausible": "Le DSO s’appuie sur un mois antérieur à 1990 ou"
        " postérieur à sa propre date : une date de facture a été mal saisie.",
        "dso_of_the_run_is_explained": "Un DSO est montré à la date d’arrêté, mais les mois qui le"
        " composent manquent : personne ne pourrait le vérifier.",
        "months_with_negative_revenue_are_absent": "Ces mois-là, les avoirs ont dépassé les"
        " factures ; le DSO passe par-dessus et reporte ce qui manque.",
    },
    "mart_invoice_cohorts": {
        "cohorts_reach_the_date_of_the_run": "Les courbes d’encaissement ne vont pas jusqu’à la"
        " date d’arrêté : l’état montrerait une ancienne courbe comme celle du jour.",
        "old_invoices_are_collected": "Un an après leur émission, plus de la moitié de ces factures"
        " sont encore ouvertes : les règlements de l’époque, ou leur lettrage, manquent à la"
        " livraison.",
    },
    "mart_kpi_monthly": {
        "losses_are_small": "Cette société a passé en perte plus de 5 % de son chiffre d’affaires"
        " en un an, quand 1 % est la limite usuelle ; vérifiez que ce sont des pertes et non"
        " des apurements.",
        "months_reach_the_date_of_the_run": "Le dernier mois ne va pas jusqu’à la date d’arrêté :"
        " l’état montrerait un ancien mois comme le mois en cours.",
        "receipts_follow_revenue": "En un an, cette société a encaissé moins de la moitié ou plus"
        " du double de son chiffre d’affaires : des factures ou des règlements manquent à la"
        " livraison.",
        "someone_pays_on_time": "En six mois, moins d’un cinquantième de ce qui arrivait à échéance"
        " a été payé à temps : les échéances sont peut-être plus courtes que celles données"
        " aux clients.",
    },
    "mart_late_payments": {
        "late_payments_are_stable": "La part des règlements en retard d’un mois déjà publié a bougé"
        " de plus d’un dixième : des règlements ou des échéances du passé ont été modifiés.",
        "payments_are_not_all_late": "Les règlements du mois, au moins 50, sont tous en retard :"
        " des échéances ont été mal lues, ou des règlements comptabilisés longtemps après leur"
        " arrivée.",
    },
    "mart_outstanding": {
        "disputes_and_litigation_are_a_minority": "Plus de la moitié de l’encours de cette société"
        " est en litige ou au contentieux ; vérifiez que les litiges terminés ont été clos à"
        " la source.",
        "outstanding_shows_the_date_of_the_run": "Des postes sont ouverts à la date d’arrêté, mais"
        " la composition de l’encours est d’une autre date.",
    },
    "mart_payer_behaviour": {
        "behaviour_shows_the_date_of_the_run": "Des postes sont ouverts à la date d’arrêté, mais le"
        " dernier comportement de paiement est d’une autre date.",
        "habits_of_payers_are_stable": "Les clients de cette société paient en moyenne 15 jours"
        " plus tôt ou plus tard qu’à la dernière publication ; les habitudes de tous les"
        " clients ne changent pas si vite.",
        "payers_are_not_years_late": "Un client qui paie en moyenne avec plus d’un an d’avance ou"
        " cinq ans de retard a des échéances ou des dates de règlement mal lues.",
        "some_customers_pay": "Des factures de cette société sont échues et aucun client n’en a"
        " payé une seule en trois mois : les règlements, ou leur lettrage, ne sont pas"
        " arrivés.",
    },
    "mart_restatements": {
        "closed_months_changed_little": "Le solde d’une fin de mois passée a changé de plus de 5 %"
        " depuis sa publication ; lisez mart_restatements avant que quiconque rapproche"
        " l’ancien chiffre du nouveau.",
    },
    "mart_roll_rates": {
        "roll_rates_end_at_the_date_of_the_run": "Aucune facture n’était ouverte au début de la"
        " période qui s’achève à la date d’arrêté : les derniers taux de passage d’une tranche"
        " à l’autre sont d’une période antérieure.",
        "write_offs_roll_late": "Plus d’un dixième de ce qui n’était pas même échu a été passé en"
        " perte dans la période ; vérifiez que des avoirs n’ont pas été comptabilisés en"
        " pertes.",
    },
    "mart_tie_out": {
        "control_totals_did_not_vanish": "La dernière publication était rapprochée de la"
        " comptabilité de cette société et celle-ci ne l’est plus : le plus fort des contrôles"
        " disparaîtrait sans un mot ; livrez de nouveau les soldes.",
        "every_company_has_a_ledger_balance": "Aucun solde de contrôle n’est venu de la"
        " comptabilité de cette société : son encours n’a pas pu être rapproché des livres.",
        "receivables_agree_with_the_ledger": "La somme des postes ouverts diffère du solde du"
        " compte collectif dans la comptabilité : l’un des deux est faux, et aucun chiffre ne"
        " doit sortir.",
    },
    "mart_top_debtors": {
        "debtors_are_ranked_on_the_date_of_the_run": "La liste des débiteurs doit être d’une seule"
        " date, celle de l’arrêté, sans quoi on relance pour ce qui est déjà payé.",
        "no_debtor_owes_more_than_half": "Un seul client doit plus de la moitié de l’encours de"
        " cette société ; sa défaillance entraînerait celle de la société.",
    },
    "mart_future_dated_documents": {
        "future_documents_count_after_the_date_of_the_run": "La liste explique ce qui n’est pas"
        " encore dans l’encours ; un document qui compte déjà y passerait pour manquant.",
    },
    "mart_top_overdue_invoices": {
        "no_invoice_is_most_of_what_is_overdue": "Une seule facture fait plus de la moitié de"
        " l’échu de cette société ; vérifiez son montant, et si elle est en litige.",
        "overdue_invoices_are_ranked_on_the_date_of_the_run": "La liste des factures échues doit"
        " être d’une seule date, celle de l’arrêté, sans quoi on relance pour ce qui est déjà"
        " payé.",
    },
    "ops.extraction": {
        "delivered_files_were_loaded_whole": "Les fichiers chargés ne sont pas, à l’octet près,"
        " ceux qui ont été livrés.",
        "last_readings_succeeded": "La dernière tentative de lecture de cette source a échoué, et"
        " ses chiffres sont ceux de la lecture précédente ; s’ils vieillissent trop, la"
        " publication sera retenue.",
        "loaded_rows_equal_what_was_landed": "Une lecture a été chargée avec un autre nombre"
        " d’enregistrements que celui qu’elle avait reçu : des données ont été perdues ou"
        " doublées en chemin vers l’entrepôt.",
        "no_reading_was_loaded_in_part": "D’une même lecture, des flux ont été chargés et d’autres"
        " non : des règlements peuvent côtoyer des factures d’un autre jour.",
        "whole_readings_hold_what_the_source_states": "Le logiciel comptable annonce plus"
        " d’enregistrements qu’il n’en a été lu : des factures ou des règlements manquent.",
    },
    "publication_info": {
        "as_of_date_does_not_go_back": "Les états montreraient un jour plus ancien qu’aujourd’hui,"
        " et ce qui est publié de jours plus récents ne peut y être comparé ; un jour passé se"
        " regarde par encours rebuild, et pour le publier malgré tout quelqu’un le libère.",
        "as_of_date_is_plausible": "Un encours arrêté avant 1990, ou plus d’un an après ce qui est"
        " connu, vient d’une date mal saisie.",
        "known_on_does_not_go_back": "Les états oublieraient ce qui est arrivé depuis, et ce qui"
        " est publié ne peut y être comparé ; ce qu’on savait un jour passé se regarde par encours"
        " rebuild, et pour le publier malgré tout quelqu’un le libère.",
        "no_table_is_empty_that_was_filled": "Une table dont des états étaient tirés est vide"
        " maintenant : tous ces états seraient vides aussi.",
        "tables_kept_their_volume": "Une table publiée a deux fois plus, ou deux fois moins, de"
        " lignes qu’à la dernière publication ; un premier exercice, une nouvelle société ou"
        " un historique plus long l’expliquerait.",
        "the_batch_is_one_run_with_one_as_of_date": "Cette ligne date tous les chiffres ; sans"
        " elle, ou s’il y en a deux, personne ne peut dire à quel jour les états sont arrêtés.",
        "the_last_publication_can_be_compared_with": "Les tables publiées sont d’une autre version"
        " d’Encours : pour cette fois, rien ne leur est comparé ; regardez les chiffres avant"
        " de vous y fier.",
    },
    "scope_revenue_months": {
        "months_follow_each_other_and_add_up": "Les ventes d’un périmètre ont un trou, ou leur"
        " somme n’est pas celle sur laquelle repose son DSO ; un mois a été perdu ou compté deux"
        " fois en reprenant les mois publiés.",
        "sales_of_customers_sum_to_those_of_their_company": "Les clients d’une société n’ont pas"
        " les mêmes ventes d’un mois que la société ; l’un de leurs DSO remonte des ventes qui"
        " n’existent pas.",
    },
}

# The four tests that every table has are named <table>_<what>_<kind>. A sentence of its own, above,
# comes first.
FRENCH_BY_KIND: Mapping[str, str] = {
    "key": "Une ligne qui doit être unique dans cette table y est deux fois, ou n’a pas"
    " d’identifiant : les états qui en dépendent compteraient deux fois.",
    "filled": "Une information indispensable (client, date, montant, devise…) manque à une ligne de"
    " cette table : les états qui en dépendent seraient faux ou incomplets.",
    "exists": "Une ligne de cette table renvoie à un client, une société, une pièce ou une tranche"
    " que rien ne décrit : son montant se perdrait dans les états.",
    "known": "Une valeur de cette table n’est pas dans la liste prévue (type, statut, règle…) : les"
    " états l’ignoreraient sans un mot.",
}


@dataclass(frozen=True)
class Reason:
    """Why a check matters or a row was refused, and the language that it is said in."""

    text: str
    language: str


def reason_of(table_name: str, check_name: str, *, why: str, language: str) -> Reason:
    """The reason of a check in this language; the English `why` where there is none in it."""
    french = _french(table_name, check_name)
    return said(why, french and typeset(french), language=language)


def said(english: str, french: str | None, *, language: str) -> Reason:
    """The French where that is the language and there is one, else the English."""
    return Reason(french, "fr") if french and language == "fr" else Reason(english, "en")


def _french(table_name: str, check_name: str) -> str | None:
    own = FRENCH.get(table_name, {}).get(check_name)
    if own or not check_name.startswith(f"{table_name}_"):
        return own
    return FRENCH_BY_KIND.get(check_name.rpartition("_")[2])
