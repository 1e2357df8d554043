{% macro create_written_tables() %}
    {#- On run start: what Python writes and dbt reads, as _scoring__sources.yml defines it; a table of an earlier
        version of the project gets the columns that it lacks -#}
    {%- if execute %}
    {%- for table in graph.sources.values() if table.source_name == 'scoring' %}
    {%- set name = table.schema ~ '.' ~ table.name %}
    create table if not exists {{ name }} (
        {%- for column in table.columns.values() %}
        {{ column.name }} {{ column.data_type }}{{ ' not null' if column.constraints }}{{ ',' if not loop.last }}
        {%- endfor %}
    );
    comment on table {{ name }} is {{ duckdb_escape_comment(table.description) }};
    {%- for column in table.columns.values() %}
    alter table {{ name }} add column if not exists {{ column.name }} {{ column.data_type }};
    comment on column {{ name }}.{{ column.name }} is {{ duckdb_escape_comment(column.description) }};
    {%- endfor %}
    {%- endfor %}
    {%- endif %}
{% endmacro %}
