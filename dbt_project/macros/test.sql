-- noqa: disable=LT02
{#-
    A test whose failures are kept as a view of the rule's name. The view is replaced, as models are; dbt's own
    materialization drops it first, and whoever reads it meanwhile finds nothing. Where a rule has a quick check that finds
    nothing, the view is made and not asked. A check of rows that does not look in this build leaves its view as the last
    look made it.
-#}
{% materialization test, adapter='bigquery' %}
{% set relations = [] %}
{% set is_idle = is_row_check() and not is_looking() %}
{% set kept_sql = get_limit_subquery_sql(sql, config.get('limit')) %}
{% if should_store_failures() and not is_idle %}
    {% if config.get('store_failures_as') != 'view' %}
        {{ exceptions.raise_compiler_error('Failures are kept as views: set store_failures_as: view.') }}
    {% endif %}
    {% set kept = api.Relation.create(database=database, schema=schema, identifier=model['alias'], type='view') %}
    {% call statement(auto_begin=True) %}
        {{ get_create_sql(kept, kept_sql) }}
    {% endcall %}
    {% do relations.append(kept) %}
    {% set kept_sql = 'select * from ' ~ kept %}
    {{ adapter.commit() }}
{% endif %}
{% set quick = none if is_idle else quick_check(model['name']) %}
{% if is_idle or (quick and run_query('select count(*) as found from (' ~ quick ~ ')').rows[0][0] == 0) %}
    {% set kept_sql = 'select found from unnest([1]) as found where false' %}
{% endif %}
{% call statement('main', fetch_result=True) %}
    {{ get_test_sql(kept_sql, config.get('fail_calc'), config.get('warn_if'), config.get('error_if'), limit=none) }}
{% endcall %}
{{ return({'relations': relations}) }}
{% endmaterialization %}
