from tests.unit.benchmarks.bytes.analyzing import columns


def test_a_star_in_a_with_counts_only_what_is_used_of_it() -> None:
    sql = (
        "with every as (select * from payment_transactions) select currency, sum(amount) as paid from every group by 1"
    )
    assert columns(sql) == {"payment_transactions": {"currency", "amount"}}


def test_what_a_condition_a_join_and_an_order_name_counts_too() -> None:
    sql = """
        select t.currency from payment_transactions as t
        join payment_deliveries as d on t.transaction_id = d.transaction_id
        where d.disposition = 'UNIQUE' order by t.event_time
        """
    assert columns(sql) == {
        "payment_transactions": {"currency", "transaction_id", "event_time"},
        "payment_deliveries": {"transaction_id", "disposition"},
    }


def test_a_window_counts_its_keys_only_where_its_function_is_used() -> None:
    sql = """
        with numbered as (
            select currency, row_number() over (partition by sender_account_id order by event_time) as number
            from payment_transactions)
        select {} from numbered
        """
    assert columns(sql.format("currency")) == {"payment_transactions": {"currency"}}
    assert columns(sql.format("number")) == {"payment_transactions": {"sender_account_id", "event_time"}}


def test_columns_of_a_union_are_followed_by_their_place() -> None:
    sql = """
        select one from (
            select transaction_id as one, currency as other from payment_transactions
            union all
            select transaction_id, currency from payment_deliveries)
        """
    assert columns(sql) == {"payment_transactions": {"transaction_id"}, "payment_deliveries": {"transaction_id"}}


def test_a_query_in_an_expression_is_followed() -> None:
    sql = "select batch_id from batch_ledger where batch_id > (select max(batch_id) from payment_transactions)"
    assert columns(sql) == {"batch_ledger": {"batch_id"}, "payment_transactions": {"batch_id"}}


def test_a_with_that_nobody_names_is_not_read() -> None:
    sql = "with unused as (select currency from payment_transactions) select batch_id from batch_ledger"
    assert columns(sql) == {"batch_ledger": {"batch_id"}}


def test_rows_that_are_only_counted_have_no_columns() -> None:
    assert columns("select count(*) as n from payment_transactions") == {"payment_transactions": set()}


def test_what_is_assigned_to_is_no_read_and_what_is_assigned_is() -> None:
    sql = "update pipeline_control set digest = holder where epoch = 5"
    assert columns(sql) == {"pipeline_control": {"holder", "epoch"}}
