{% macro note_model_sql(results) %}
    {#- a what-if runs it on the rows of one customer: the SQL by which each table came to be -#}
    create table if not exists main.model_sql (model varchar primary key, sql varchar, built_at timestamp);
    comment on table main.model_sql is 'The compiled SQL by which each model was built last. One row per model.';
    comment on column main.model_sql.model is 'Schema and name of the model.';
    comment on column main.model_sql.sql is 'Its compiled SQL.';
    comment on column main.model_sql.built_at is 'When it was built.';
    {%- set built = [] -%}
    {%- for result in results if result.node.resource_type == 'model' and result.status == 'success' -%}
        {%- do built.append(result.node) -%}
    {%- endfor -%}
    {%- if built %}
    insert or replace into main.model_sql values
    {%- for node in built %}
        (
            '{{ node.schema }}.{{ node.name }}',
            '{{ node.compiled_code | replace("'", "''") }}',
            current_timestamp
        ){{ ',' if not loop.last }}
    {%- endfor %}
    {%- endif %}
{% endmacro %}
