{% macro note_complete_build(results) %}
    {#- On run end: what the next run may build upon, if all that this one did is right, and no gate of an
        earlier one is red that it has not asked, as `dbt run` asks none -#}
    {%- set note = note_builds_read() -%}
    {%- if execute and flags.WHICH in ['build', 'run'] -%}
    {%- set done = [] -%}
    {%- for result in results if result.status in ['success', 'pass', 'warn', 'no-op'] -%}
        {%- do done.append(result.node.unique_id) -%}
    {%- endfor -%}
    {%- set lacking = [] -%}
    {%- for node in graph.nodes.values() if node.config.materialized in ['incremental', 'dates_in_batches'] -%}
        {%- do lacking.append(node.name) if node.unique_id not in done -%}
    {%- endfor -%}
    {%- set names = graph.nodes.values() | map(attribute='name') | list -%}
    {%- set asked = results | map(attribute='node.name') | list -%}
    {%- for name in run_query('select name from builds.red_gates').columns[0].values() if name in names -%}
        {%- do lacking.append(name) if name not in asked -%}
    {%- endfor -%}
    {%- if not lacking and done | length == results | length %}
    {{ note }};
    {#- of gates that are gone -#}
    delete from builds.red_gates where name not in ('{{ names | join("', '") }}')
    {%- endif %}
    {%- endif -%}
{% endmacro %}
