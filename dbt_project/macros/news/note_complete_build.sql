{% macro note_complete_build(results) %}
    {#- On run end: what the next run may build upon, if all that this one did is right -#}
    {%- set read = {
        'customers_read': ref('int_customers_versioned'),
        'products_read': ref('int_products_versioned'),
        'caps_read': ref('int_line_caps_set'),
    } -%}
    {%- if execute and flags.WHICH in ['build', 'run'] -%}
    {%- set done = [] -%}
    {%- for result in results if result.status in ['success', 'pass', 'warn', 'no-op'] -%}
        {%- do done.append(result.node.unique_id) -%}
    {%- endfor -%}
    {%- set lacking = [] -%}
    {%- for node in graph.nodes.values() if node.config.materialized in ['incremental', 'dates_in_batches'] -%}
        {%- do lacking.append(node.name) if node.unique_id not in done -%}
    {%- endfor -%}
    {%- if not lacking and done | length == results | length %}
    {%- for table, relation in read.items() %}
    create or replace table builds.{{ table }} as from {{ relation }};
    {%- endfor %}
    create or replace table builds.loads_read as from builds.loads_found
    {%- endif %}
    {%- endif -%}
{% endmacro %}
