{#-
    What stands before each statement, and on its job as labels: `payments costs` adds up by them. The first two are those of
    all our jobs (spark_jobs.warehouse.job_labels). `node` is none in a hook. A seed's load is no statement, and costs nothing.
-#}
{% macro job_comment(node) -%}
    {%- set work = 'check' if node and node.resource_type == 'test' else 'build' -%}
    {{ return(tojson({'payments_work': work, 'payments_pipeline': 'payments', 'node_id': node.unique_id if node else 'hook'})) }}
{%- endmacro %}
