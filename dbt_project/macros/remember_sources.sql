{% macro remember_sources() %}
    {%- if execute -%}
        {%- set relations = run_query(
            "select table_schema || '.' || table_name from information_schema.tables"
            ~ " where table_catalog = current_database()"
        ).columns[0].values() | list -%}
        {%- for name, source in graph.sources.items() -%}
            {%- set relation = source.schema ~ '.' ~ source.identifier -%}
            {%- if relation in relations -%}
                {{ remember_content(relation, name) }};
            {% else -%}
                delete from memory.built where node = '{{ name }}';
            {% endif -%}
        {% endfor -%}
    {%- endif -%}
{% endmacro %}
