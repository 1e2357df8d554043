{% macro assert_raw_tables_exist() %}
    {% if execute and flags.WHICH in ['build', 'run', 'test', 'snapshot'] %}
        {% set missing = [] %}
        {% for table in graph.sources.values() if table.source_name == 'retail' %}
            {% if adapter.get_relation(table.database, table.schema, table.name) is none %}
                {% do missing.append(table.schema ~ '.' ~ table.name) %}
            {% endif %}
        {% endfor %}
        {% if missing %}
            {{ exceptions.raise_compiler_error(
                'the warehouse has no ' ~ missing | join(', ')
                ~ ': load a shop with `python generate/synthetic.py` or `python generate/load.py PATH`'
            ) }}
        {% endif %}
    {% endif %}
{% endmacro %}
