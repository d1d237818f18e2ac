"""What a backtest asks of the warehouse once everything is scored, in SQL.

Belongs here: the queries, and which payments they judge. Does not belong here: running them (run), judging the answer
(scoring). Each takes `since` and `until` as parameters.
"""

from collections.abc import Mapping

_JUDGED = """
    from {dataset}.payment_fraud_scores as scores
    inner join {dataset}.payment_transactions_fraud as payments
        on scores.transaction_id = payments.transaction_id and scores.event_time = payments.event_time
    left join {labels} as labels on scores.transaction_id = labels.transaction_id
"""
# Said of both: no warehouse follows it from one to the other.
_WHERE = """
    where scores.event_time >= @since and scores.event_time < @until
        and payments.event_time >= @since and payments.event_time < @until
"""
_AMOUNTS = """
    labels.typology, count(*) as payments, cast(sum(coalesce(payments.amount_eur, 0)) as numeric) as amount_eur
"""
_SCORES = f"""
    select scores.rule_version, scores.fraud_score, {_AMOUNTS} {_JUDGED} {_WHERE}
    group by scores.rule_version, scores.fraud_score, labels.typology
"""
_HITS = f"""
    select scores.rule_version, signal, {_AMOUNTS} {_JUDGED} cross join unnest(scores.fraud_reasons) as signal {_WHERE}
    group by scores.rule_version, signal, labels.typology
"""
_ALERTS = f"""
    select rule_version, day, account_id, fraud_score, amount_eur, is_fraud
    from (
        select scores.rule_version, date(scores.event_time) as day, payments.sender_account_id as account_id,
            max(scores.fraud_score) as fraud_score,
            cast(sum(if(
                scores.fraud_score > 0, coalesce(payments.amount_eur, numeric '1000000000'), 0
            )) as numeric) as amount_eur,
            logical_or(labels.typology is not null) as is_fraud
        {_JUDGED} {_WHERE}
        group by scores.rule_version, day, account_id
    )
    where fraud_score > 0 or is_fraud
    qualify is_fraud or row_number() over (
        partition by rule_version, day order by fraud_score desc, amount_eur desc, account_id
    ) <= @alerts
"""


def questions(dataset: str, labels: str) -> Mapping[str, str]:
    """By the argument of `evaluate` that each answers; `alerts` also takes `alerts`, how many of a day it needs.

    Args:
        dataset: quoted, where dbt's models are.
        labels: a table, or a query in brackets, of transaction_id and typology: a row per fraudulent payment.
    """
    asked = {"scores": _SCORES, "hits": _HITS, "alerts": _ALERTS}
    return {name: sql.format(dataset=dataset, labels=labels) for name, sql in asked.items()}
