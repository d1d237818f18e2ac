{#- Which payments a mart of signals builds. -#}
{% macro fraud_scope() -%}
    {%- set scope = measured_scope('int_accounts__habits', var('fraud_build_minutes') | int) -%}
    {#- A payment's own day is read whole, and of the day before 24 hours. -#}
    {%- if scope -%}
        {%- set seen = scope.seen.split('-') | map('int') | list -%}
        {%- do graph.update({'seen': {this.identifier: seen}}) -%}
        {%- set is_nothing = scope.oldest_day >= number_of_never() -%}
        {%- do scope.update({'first_own_day': none if is_nothing else [scope.oldest_day, scope.closed] | min}) -%}
    {%- endif -%}
    {{ return(scope) }}
{%- endmacro %}

{#- Payments that are measured anew: build_scope's, from the first one whose history was not over before. -#}
{% macro measured_scope(upstream, every_minutes=0) -%}
    {%- set scope = build_scope(upstream=[upstream], every_minutes=every_minutes) -%}
    {%- if scope.is_due and not scope.is_whole -%}
        {%- set changed = scope.new_day + 1 -%}
        {%- if scope.closed > scope.new_day and changed < scope.since_day -%}
            {%- set moment = 'timestamp(' ~ day_of_number(changed) ~ ')' -%}
            {%- do scope.update({'since': moment, 'since_day': changed}) -%}
            {%- if changed < scope.oldest_day -%}
                {%- do scope.update({'oldest': moment, 'oldest_day': changed}) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(scope) }}
{%- endmacro %}

{#-
    Whether a payment is of a batch that is not built, where only such are asked for. What was decided since about an old
    payment is for the next build: until then the payment stands as it was built, or not at all.
-#}
{% macro is_unbuilt(scope, alias) -%}
    {%- if scope.decided_since -%}
        {{ alias }}.batch_id > {{ scope.built_batch }}
        and {{ alias }}.transaction_id not in (
            select transaction_id
            from {{ ref('stg_payments__corrections') }}
            where {{ scope.decided_since }} and transaction_id is not null
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#- What `name`, a mart of signals, has not built yet: all of batches newer than those that it has seen. -#}
{% macro unbuilt_scope(name) -%}
    {%- set relation = ref(name) -%}
    {%- if is_unit_test() or not execute -%}
        {{ return({}) }}
    {%- endif -%}
    {%- set built = built_mark(relation) or [0, 0, 0, 0] -%}
    {#- No batch brings what is older than the watermark that it carries in, and none carries in an older one. -#}
    {%- set oldest = 'timestamp(' ~ day_of_number(built[3]) ~ ')' -%}
    {%- set told = 'timestamp_sub(' ~ moment_of(built[2]) ~ ', interval 1 day)' -%}
    {%- set decided_since = 'correction_id > ' ~ built[1] ~ ' and decided_at >= ' ~ told -%}
    {{ return({
        'decided_since': decided_since,
        'since': oldest, 'oldest': oldest, 'closed': built[3], 'first_own_day': built[3], 'built_batch': built[0]
    }) }}
{%- endmacro %}
