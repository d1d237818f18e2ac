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
    {%- elif rule == 'assert_every_duplicate_has_a_unique_delivery' and open_now().told -%}
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
