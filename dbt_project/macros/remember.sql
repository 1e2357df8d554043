{% macro remember() %}
    {%- if execute -%}
        {%- set version = inputs_version(model) -%}
        insert or replace into memory.built values (
            '{{ model.unique_id }}',
            {{ "'" ~ version ~ "'" if version else 'null' }},
            current_timestamp
        )
    {%- endif -%}
{% endmacro %}
