{% macro note_complete_build(results) %}
    {#- On run end: what the next run may build upon, if all that this one did is right -#}
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
    {%- if not lacking and done | length == results | length %}
    {{ note }};
    delete from builds.red_gates
    {%- endif %}
    {%- endif -%}
{% endmacro %}
