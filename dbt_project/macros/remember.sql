{% macro remember() %}
    {%- if execute -%}
        {%- set version = inputs_version(model) -%}
        {#- the SQL too: a what-if runs it on the rows of one customer -#}
        insert or replace into memory.built (node, inputs_version, built_at, rows, sql) values (
            '{{ model.unique_id }}',
            {{ "'" ~ version ~ "'" if version else 'null' }},
            current_timestamp,
            {{ '(select count(*) from ' ~ this ~ ')' if model.config.materialized == 'table' else 'null' }},
            {{ "'" ~ model.compiled_code | replace("'", "''") ~ "'" if model.resource_type == 'model' else 'null' }}
        )
    {%- endif -%}
{% endmacro %}
