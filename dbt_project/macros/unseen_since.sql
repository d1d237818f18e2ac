{#-
    The event_time from which an incremental model must be rebuilt, as a literal, so that BigQuery can prune partitions.
    Payments published since the model was last built are never older than the watermark that their batch carried in;
    those that a correction has put in or taken out are as old as the correction says.
    `NULL` watermark (the first batch) means from the beginning. A literal in the far future means: nothing is new.
-#}
{% macro unseen_since() -%}
    {%- set batches = ref('stg_payments__batches') -%}
    {%- set corrections = ref('int_corrections__valued') -%}
    {%- set everything = '2000-01-01 00:00:00+00' -%}
    {%- if not (execute and is_incremental()) -%}
        {{ return("timestamp '" ~ everything ~ "'") }}
    {%- endif -%}
    {%- set query -%}
        select coalesce(min(unseen.since), timestamp '9999-01-01 00:00:00+00') as unseen_since
        from (
            select coalesce(batches.watermark, timestamp '{{ everything }}') as since
            from {{ batches }} as batches
            where batches.batch_id > (select coalesce(max(built.batch_id), 0) from {{ this }} as built)
            union all
            select corrections.event_time as since
            from {{ corrections }} as corrections
            where corrections.correction_id > (select coalesce(max(built.correction_id), 0) from {{ this }} as built)
        ) as unseen
    {%- endset -%}
    {{ return("timestamp '" ~ run_query(query).columns[0].values()[0].isoformat(' ') ~ "'") }}
{%- endmacro %}
