{% macro note_model_sql(results) %}
    {#- a what-if runs it on the rows of one customer: the SQL by which each table came to be -#}
    create table if not exists main.model_sql (model varchar primary key, sql varchar, built_at timestamp);
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
