{% macro remember() %}
    {%- if execute -%}
        {%- set version = inputs_version(model) -%}
        insert or replace into memory.built (node, inputs_version, built_at, rows) values (
            '{{ model.unique_id }}',
            {{ "'" ~ version ~ "'" if version else 'null' }},
            current_timestamp,
            {{ '(select count(*) from ' ~ this ~ ')' if model.config.materialized == 'table' else 'null' }}
        )
    {%- endif -%}
{% endmacro %}
