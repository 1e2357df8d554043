{% macro remember_sources() %}
    {%- if execute -%}
        {%- set tables = run_query(
            "select schema_name || '.' || table_name from duckdb_tables()"
            ~ " where database_name = current_database()"
        ).columns[0].values() | list -%}
        {%- for name, source in graph.sources.items() -%}
            {%- set table = source.schema ~ '.' ~ source.identifier -%}
            {%- if table in tables -%}
                {{ remember_content(table, name) }};
            {% endif -%}
        {% endfor -%}
    {%- endif -%}
{% endmacro %}
