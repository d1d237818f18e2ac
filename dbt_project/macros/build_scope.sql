{#-
    What an incremental model has to build, worked out before its own statement is made, from the control row, the ledger
    and the corrections alone, as literals: BigQuery prunes partitions by these only. Each table's label `built` says what
    it has seen: the batch, the correction, and when the control row was last changed before. A table that is made anew has
    no label until it is there: whoever dies in between builds it again. `upstream` are incremental models that it reads:
    nothing newer counts as seen than what they have seen, whatever is committed in mid-build.

    since      payments from here on are built again: none is older that a batch has brought since; in the far future, none
    oldest     the oldest payment of all that is built: before `since` where a correction has put one in or taken it out
    last_batch what a newer batch has brought is left to the next build
    is_whole   whether the model is made of everything that these batches have brought
    corrections   the condition of unseen corrections of payments, where there are any
    seen       what the label will say
    since_day, oldest_day   their days. A day is a number, from 1970
    closed     the day of the newest watermark: days before it are over, but for corrections
    new_day    from this day on payments are new to the model, as days are: the one that was not over at the last build
    first_day  of all that is built: before `new_day` where a correction has changed a day
    is_due     whether there is anything to build: with `every_minutes` only where so much has passed since the last build,
               by the control row's clock or, of a batch that waits, by the warehouse's; or an old payment was corrected
    anew       with `follows_erasures`: days of what an unseen erasure has taken; they are made anew as a whole
    reads_from   the oldest payment that is read: `oldest`, or the first day that is made anew
-#}
{% macro build_scope(upstream=[], every_minutes=0, follows_erasures=false) -%}
    {%- if is_unit_test() -%}
        {{ return({}) }}
    {%- endif -%}
    {%- set pipelines = ref('stg_payments__pipelines') -%}
    {%- set batches = ref('stg_payments__batches') -%}
    {%- set corrections = ref('stg_payments__corrections') -%}
    {%- set erasures = ref('stg_payments__erasures') if follows_erasures else none -%}
    {%- set kept = ref('stg_payments__retention_marks') if follows_erasures else none -%}
    {%- if not execute -%}
        {{ return({}) }}
    {%- endif -%}
    {%- set asked -%}
        select
            coalesce(max(last_batch_id), 0) as batch,
            coalesce(max(correction_count), 0) as correction,
            coalesce(min(unix_micros(updated_at)), 0) as micros,
            0 as closed,
            coalesce(max(erasure_count), 0) as erasure,
            unix_micros({{ moment() }}) as clock
        from {{ pipelines }}
    {%- endset -%}
    {%- set marks = [run_query(asked).rows[0] | map('int') | list] -%}
    {%- for name in upstream -%}
        {%- do marks.append(built_mark(ref(name)) or [0, 0, 0, 0, 0]) -%}
    {%- endfor -%}
    {%- set erased = marks | map(attribute=4) | min -%}
    {%- set seen = [marks | map(attribute=0) | min, marks | map(attribute=1) | min, marks | map(attribute=2) | min] -%}
    {%- set built = built_mark(this) if is_incremental() else none -%}
    {%- set scope = {
        'since': everything(), 'oldest': everything(), 'last_batch': seen[0], 'is_whole': true, 'is_due': true,
        'since_day': 0, 'oldest_day': 0, 'new_day': 0, 'first_day': 0
    } -%}
    {%- set newest = 'select unix_date(date(max(watermark))) as day from ' ~ batches ~ ' where batch_id <= ' ~ seen[0] -%}
    {#- Where no batch comes any more, the control row's clock stands still. -#}
    {%- set now = marks[0][5] if built and seen[0] != built[0] else seen[2] -%}
    {%- set passed = [seen[2], now] | max - built[2] if built else 0 -%}
    {%- if built and every_minutes and seen[1] == built[1] and passed < every_minutes * 60000000 -%}
        {%- do scope.update({
            'since': never(), 'oldest': never(), 'last_batch': built[0], 'is_whole': false, 'is_due': false,
            'since_day': number_of_never(), 'oldest_day': number_of_never(),
            'closed': built[3], 'new_day': built[3], 'first_day': built[3]
        }) -%}
        {%- set seen = built[:3] -%}
        {%- set erased = built[4] -%}
    {%- elif built -%}
        {#- A decision's time is that of its transaction's beginning: a day is more than any takes. -#}
        {%- set told = 'timestamp_sub(' ~ moment_of(built[2]) ~ ', interval 1 day)' -%}
        {%- set unseen_corrections -%}
            correction_id > {{ built[1] }} and correction_id <= {{ seen[1] }} and decided_at >= {{ told }}
            and payments_added != 0 and transaction_id is not null
        {%- endset -%}
        {%- set query -%}
            select
                coalesce(min(if(is_batch, since, null)), {{ never() }}) as since,
                min(if(is_batch, null, since)) as corrected_since,
                unix_date(date(max(watermark))) as closed
            from (
                select true as is_batch, watermark, coalesce(watermark, {{ everything() }}) as since
                from {{ batches }}
                where batch_id > {{ built[0] }} and batch_id <= {{ seen[0] }} and published_at >= {{ told }}
                union all
                select false as is_batch, cast(null as timestamp) as watermark, event_time as since
                from {{ corrections }}
                where {{ unseen_corrections }}
            )
        {%- endset -%}
        {%- set unseen = run_query(query).rows[0] -%}
        {%- set since, since_day = minute_of(unseen[0]), number_of_day(unseen[0]) -%}
        {%- do scope.update({'since': since, 'oldest': since, 'is_whole': false}) -%}
        {%- do scope.update({'since_day': since_day, 'oldest_day': since_day}) -%}
        {%- set new_day = [built[3], since_day] | min -%}
        {%- do scope.update({'closed': [unseen[2] | int(0), built[3]] | max, 'new_day': new_day, 'first_day': new_day}) -%}
        {%- if unseen[1] -%}
            {%- do scope.update({'oldest': minute_of([unseen[0], unseen[1]] | min), 'corrections': unseen_corrections}) -%}
            {%- set corrected_day = number_of_day(unseen[1]) -%}
            {%- do scope.update({'first_day': [new_day, corrected_day] | min}) -%}
            {%- do scope.update({'oldest_day': [since_day, corrected_day] | min}) -%}
        {%- endif -%}
        {%- if follows_erasures and erased > built[4] -%}
            {%- set query -%}
                select distinct unix_date(day) as day
                from {{ erasures }}
                where
                    erasure_id > {{ built[4] }} and erasure_id <= {{ erased }}
                    and disposition not in ('QUARANTINED', 'IGNORED')
                    -- Of days before, the payments have expired, and their sums stay as they were.
                    and day >= coalesce(
                        (select max(kept_from) from {{ kept }} where kept = 'payment_transactions'), date '1970-01-01'
                    )
                order by day
            {%- endset -%}
            {%- do scope.update({'anew': run_query(query).columns[0].values() | map('int') | list}) -%}
        {%- endif -%}
    {%- else -%}
        {%- do scope.update({'closed': run_query(newest).rows[0][0] | int(0)}) -%}
    {%- endif -%}
    {#- What the table above knows to be over, this one may take for over. -#}
    {%- if upstream and scope.is_due -%}
        {%- do scope.update({'closed': marks[1:] | map(attribute=3) | min}) -%}
    {%- endif -%}
    {%- set first = (scope.anew or [number_of_never()])[0] -%}
    {%- do scope.update({
        'seen': (seen + [scope.closed, erased]) | join('-'),
        'reads_from': 'timestamp(' ~ day_of_number(first) ~ ')' if first <= scope.oldest_day and scope.anew else scope.oldest
    }) -%}
    {{ return(scope) }}
{%- endmacro %}

{#-
    The same for a model that adds up deliveries by the build that has seen them first. What is decided later changes no
    sum of it.

    since_batch      the first batch of this build: a build that is done again begins with it too
    since_published  when that was published; in the far future, where there is no new batch
    delivered        no record of these batches was written to the log before
    last_batch, seen as above
-#}
{% macro delivery_scope() -%}
    {%- if is_unit_test() -%}
        {{ return({}) }}
    {%- endif -%}
    {%- set pipelines = ref('stg_payments__pipelines') -%}
    {%- set batches = ref('stg_payments__batches') -%}
    {%- if not execute -%}
        {{ return({}) }}
    {%- endif -%}
    {%- set asked -%}
        select
            coalesce(max(last_batch_id), 0) as batch,
            coalesce(min(unix_micros(updated_at)), 0) as micros
        from {{ pipelines }}
    {%- endset -%}
    {%- set now = run_query(asked).rows[0] | map('int') | list -%}
    {%- set seen = now[0] ~ '-0-' ~ now[1] ~ '-0' -%}
    {%- set built = built_mark(this) if is_incremental() else none -%}
    {%- if not built -%}
        {{ return({'seen': seen, 'last_batch': now[0], 'oldest': everything()}) }}
    {%- endif -%}
    {%- set asked -%}
        select
            min(published_at) as published,
            min(min_kafka_timestamp) as delivered
        from {{ batches }}
        where
            batch_id > {{ built[0] }} and batch_id <= {{ now[0] }}
            and published_at >= timestamp_sub({{ moment_of(built[2]) }}, interval 1 day)
    {%- endset -%}
    {%- set unseen = run_query(asked).rows[0] -%}
    {%- set published = since_minute(unseen[0]) -%}
    {{ return({
        'seen': seen, 'since_batch': built[0] + 1, 'last_batch': now[0], 'since_published': published, 'oldest': published,
        'delivered': since_minute(unseen[1])
    }) }}
{%- endmacro %}

{#- The deliveries, and the batches, that such a model adds up. -#}
{% macro is_delivered_in(scope, alias) -%}
    {%- if scope.delivered %}{{ alias }}.kafka_timestamp >= {{ scope.delivered }} and {% endif -%}
    {{ is_batch_in(scope, alias ~ '.') }}
{%- endmacro %}

{% macro is_batch_in(scope, prefix='') -%}
    {%- if scope -%}
        {{ prefix }}batch_id between {{ scope.since_batch | default(1) }} and {{ scope.last_batch }}
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#- A unit test has its own rows for what it names, and nothing else. A linter has no model. -#}
{% macro is_unit_test() -%}
    {{ return((model | default({})).resource_type == 'unit_test') }}
{%- endmacro %}

{% macro everything() -%}
    timestamp '2000-01-01 00:00:00+00'
{%- endmacro %}

{% macro never() -%}
    timestamp '9999-01-01 00:00:00+00'
{%- endmacro %}

{% macro number_of_day(moment) -%}
    {{ return((moment.date() - modules.datetime.date(1970, 1, 1)).days) }}
{%- endmacro %}

{% macro never_day() -%}
    {{ day_of_number(number_of_never()) }}
{%- endmacro %}

{% macro number_of_never() -%}
    {{ return(2932532) }}
{%- endmacro %}

{#- The day of a number. A linter has no calendar. -#}
{% macro day_of_number(number) -%}
    {%- if modules is defined -%}
    date '{{ (modules.datetime.date(1970, 1, 1) + modules.datetime.timedelta(days=number)).isoformat() }}'
    {%- else -%}
    date '1970-01-01'
    {%- endif -%}
{%- endmacro %}

{% macro minute_of(moment) -%}
    timestamp '{{ moment.replace(second=0, microsecond=0).isoformat(' ') }}'
{%- endmacro %}

{% macro moment_of(micros) -%}
    {%- set since = modules.datetime.timedelta(microseconds=micros) -%}
    timestamp '{{ (modules.datetime.datetime(1970, 1, 1) + since).isoformat(' ') }}+00'
{%- endmacro %}

{#- The condition that a moment, or a day, is of one of these days, by their numbers in order: constants, which prune. -#}
{% macro is_of_days(column, days, data_type='timestamp') -%}
    {%- set spans = [] -%}
    {%- for day in days -%}
        {%- if spans and spans[-1][1] == day -%}
            {%- do spans.append([spans.pop()[0], day + 1]) -%}
        {%- else -%}
            {%- do spans.append([day, day + 1]) -%}
        {%- endif -%}
    {%- endfor -%}
    (
        {%- for since, until in spans -%}
            {{ ' or ' if not loop.first }}({{ column }} >= {{ beginning_of(since, data_type) }}
            {{- ' and ' ~ column }} < {{ beginning_of(until, data_type) }})
        {%- endfor -%}
    )
{%- endmacro %}

{% macro beginning_of(number, data_type) -%}
    {%- set day = day_of_number(number) | trim -%}
    {{ day if data_type == 'date' else 'timestamp(' ~ day ~ ')' }}
{%- endmacro %}

{#- The condition that a payment is of a batch that the build knows of. -#}
{% macro is_of_batches(scope, column) -%}
    {{ column ~ ' <= ' ~ scope.last_batch if scope.last_batch is defined else 'true' }}
{%- endmacro %}

{#-
    The rows that it builds: what is new, and of what is older the rows of accounts, receivers, devices and addresses that
    a correction concerns. `alias` is whose columns these are.
-#}
{% macro is_to_build(scope, alias) -%}
    {{ alias }}.event_time >= {{ scope.oldest | default(everything(), true) }}
    {%- if scope.corrections %}
        {%- set corrections = ref('stg_payments__corrections') %}
        and (
            {{ alias }}.event_time >= {{ scope.since }}
            {%- for column, concerned in [
                ('sender_account_id', 'sender_account_id'), ('sender_account_id', 'receiver_account_id'),
                ('receiver_account_id', 'receiver_account_id'),
                ('device_id', 'device_id'), ('ip_address', 'ip_address')
            ] %}
            or {{ alias }}.{{ column }} in (
                select {{ concerned }} from {{ corrections }} where {{ scope.corrections }} and {{ concerned }} is not null
            )
            {%- endfor %}
        )
    {%- endif -%}
{%- endmacro %}

{#- The same of minutes, for payments and for corrections. -#}
{% macro is_minute_to_build(scope) -%}
    event_time >= {{ scope.reads_from | default(everything(), true) }}
    {%- if scope.corrections or scope.anew %}
        and (
            event_time >= {{ scope.since }}
            {%- if scope.anew %}
            or {{ is_of_days('event_time', scope.anew) }}
            {%- endif %}
            {%- if scope.corrections %}
            or timestamp_trunc(event_time, minute) in (
                select timestamp_trunc(event_time, minute)
                from {{ ref('stg_payments__corrections') }}
                where {{ scope.corrections }}
            )
            {%- endif %}
        )
    {%- endif -%}
{%- endmacro %}

{#- Of corrections of these: no payment is decided of before it is made, but a clock may be ahead. -#}
{% macro is_decided_since(scope) -%}
    {%- if scope and not scope.is_whole -%}
        decided_at >= timestamp_sub({{ scope.reads_from }}, interval 1 day)
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}

{#-
    The first line of an incremental model. dbt hands nothing from a model's SQL to its MERGE or to its hooks: they read it
    here. `column` is the partition's.
-#}
{% macro scope_line(scope, column='event_time', oldest=none) -%}
    -- built from {{ column }} >= {{ oldest or scope.oldest | default(everything(), true) }}; seen {{ scope.seen }}
    {{- '; anew ' ~ scope.anew | join(' ') if scope.anew }}
    {{- '; kept from day ' ~ scope.kept_from if scope.kept_from is defined }}
{%- endmacro %}

{#-
    What a table has seen, of its label: the batch, the correction, the control row's time, the day that was not over, the
    erasure, and what the model adds; none without a label, and where an older version wrote it, which did not know days.
    A version that did not know erasures dropped after one what they change: it has seen all.
-#}
{% macro built_mark(relation) -%}
    {%- set mark = (label_of(relation, 'built') or '').split('-') | map('int', -1) | list -%}
    {{ return((mark + [999999999])[:5] + mark[5:] if mark | length >= 4 else none) }}
{%- endmacro %}

{#- The batch, the correction and the erasure as columns of a check. -#}
{% macro seen_by(name) -%}
    {%- set relation = ref(name) -%}
    {%- set mark = (built_mark(relation) if execute else none) or [0, 0, 0, 0, 0] -%}
    {{ mark[0] }} as batch_id,
    {{ mark[1] }} as correction_id,
    {{ mark[4] }} as erasure_id
{%- endmacro %}

{#- The post-hook of an incremental model. -#}
{% macro tell_what_is_built() -%}
    {%- if execute -%}
        {%- set seen = modules.re.search('; seen ([-0-9]+)', sql).group(1) -%}
        {%- set labels = {'built': seen} -%}
        {%- if this.identifier == checked_table().identifier -%}
            {%- do read_labels(only=this) -%}
            {%- do labels.update({'checked': label_of(this, 'checked'), 'looked': label_of(this, 'looked')}) -%}
        {%- endif -%}
        {{ set_labels(this, labels) }}
    {%- endif -%}
{%- endmacro %}
