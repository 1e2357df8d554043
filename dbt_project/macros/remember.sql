{% macro remember() %}
    {%- if execute -%}
        {%- set version = inputs_version(model) -%}
        {%- set kind = model.config.materialized -%}
        {#- never skipped: what keeps rows of earlier builds, and what reads more than it names -#}
        {%- if kind not in ['as_of_snapshots', 'table', 'table_function', 'test', 'view']
            or reads_besides(model.compiled_code, inputs_of(model), kind) -%}
            {%- set version = none -%}
        {%- endif -%}
        {#- the SQL too: a what-if runs it on the rows of one customer -#}
        insert or replace into memory.built (node, inputs_version, built_at, rows, sql) values (
            '{{ model.unique_id }}',
            {{ "'" ~ version ~ "'" if version else 'null' }},
            current_timestamp,
            {{ '(select count(*) from ' ~ this ~ ')' if kind == 'table' else 'null' }},
            {{ "'" ~ model.compiled_code | replace("'", "''") ~ "'" if model.resource_type == 'model' else 'null' }}
        )
    {%- endif -%}
{% endmacro %}
