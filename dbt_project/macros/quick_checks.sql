{#-
    Some rules are asked twice: first a statement that costs little and finds all that the rule would find of what is new,
    or more; only where it finds something, the rule itself. The rule's view always holds the rule itself.
-#}

{#-
    What is asked first, of a rule by its name; none where the rule itself is to be asked. Rules about a reconciliation
    believe reconciliation_summary, where this very build has made it: it has judged the same rows at one moment.
-#}
{% macro quick_check(rule) -%}
    {%- set judged = {
        'assert_control_totals_agree': 'reconciliation_control_totals',
        'assert_days_have_no_duplicates': 'reconciliation_daily',
        'assert_offsets_equal_dispositions': 'reconciliation_batches',
        'assert_ledger_ranges_are_contiguous': 'reconciliation_batches'
    } -%}
    {%- if rule in judged and graph.get('is_summed_up') -%}
        {%- set summary = api.Relation.create(
            database=target.database, schema=target.schema, identifier='reconciliation_summary'
        ) -%}
        {{ return(
            "select * from " ~ summary ~ " where reconciliation = '" ~ judged[rule] ~ "' and failed_count > 0"
        ) }}
    {%- elif rule == 'assert_every_duplicate_has_a_unique_delivery' and open_now().told and not var('check_unsealed') -%}
        {{ return(lost_duplicates(open_hours())) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#- The post-hook of reconciliation_summary: this build has made it. -#}
{% macro tell_that_it_is_summed_up() -%}
    {%- if execute -%}
        {%- do graph.update({'is_summed_up': true}) -%}
    {%- endif -%}
{%- endmacro %}

{#- What is open, and an hour of payments before it. -#}
{% macro open_hours() -%}
    {%- set since = open_now() -%}
    {{ return(dict(since, paid='timestamp_sub(' ~ since.paid ~ ', interval 1 hour)')) }}
{%- endmacro %}

{#- Ids of which a delivery is a DUPLICATE of none that was published, and ids that were published more than once. -#}
{% macro lost_duplicates(since) -%}
    select *
    from {{ open_rows('deduplication_audit', since=since) }}
    where
        (
            duplicate_occurrences > 0
            and unique_occurrences + admitted_occurrences = 0
            and {{ is_paid_since(since) }}
        )
        or unique_occurrences > 1
{%- endmacro %}

{#-
    The senders' control totals as reconciliation_summary judges them. A sender reports whole days: what the warehouse holds
    of them is read from the sums that each build keeps, and not from all their deliveries. The sums know no late payment
    from a late duplicate, so a unique payment less than was sent may pass until the night where records came late. Where
    they show a difference, the deliveries themselves decide.
-#}
{% macro judged_control_totals() -%}
    {%- if not is_unit_test() -%}
        {%- do ref('int_deliveries__totals') -%}
    {%- endif -%}
    {%- if open_now().told and not var('check_unsealed') -%}
        {%- set since = dict(open_now(), is_summed=true) -%}
        {%- set asked -%}
            select count(*) as found
            from {{ open_rows('int_control_totals__compared', since=since) }} as compared
            where
                break_reason is not null and break_reason not in ('NOT_YET_PUBLISHED', 'NOT_YET_REPORTED')
                and {{ is_day_open() }}
        {%- endset -%}
        {%- if run_query(asked).rows[0][0] == 0 -%}
            {{ return(open_rows('reconciliation_control_totals', since=since)) }}
        {%- endif -%}
    {%- endif -%}
    {{ return(open_rows('reconciliation_control_totals', days_before=2, since=open_days())) }}
{%- endmacro %}

{#- int_control_totals__warehouse of the open days, by the sums of builds: none of before them has a record of theirs. -#}
{% macro summed_up_deliveries(since) -%}
    (
        select
            day,
            topic,
            kafka_partition,
            currency,
            sum(record_count) as delivered_count,
            sum(amount_minor) as delivered_amount_minor,
            sum(hash_total) as delivered_hash_total,
            sum(if(disposition = 'UNIQUE', record_count, 0)) as unique_count,
            sum(if(disposition = 'UNIQUE', amount_minor, 0)) as unique_amount_minor,
            sum(if(disposition = 'LATE', record_count, 0)) as late_count,
            sum(if(disposition = 'LATE', amount_minor, 0)) as late_amount_minor,
            min(min_offset) as min_offset,
            max(max_offset) as max_offset,
            min(first_batch_id) as first_batch_id,
            max(last_batch_id) as last_batch_id
        from {{ ref('int_deliveries__totals') }}
        where since_published_at >= timestamp_sub({{ since.delivered_day }}, interval 2 day)
        group by day, topic, kafka_partition, currency
    )
{%- endmacro %}
