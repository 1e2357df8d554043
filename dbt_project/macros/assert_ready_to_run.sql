{% macro assert_ready_to_run() %}
    {% if var('horizon_days') | string != '30' %}
        {{ exceptions.raise_compiler_error(
            'horizon_days is ' ~ var('horizon_days') ~ ': forecasts are of 30 days, and no other'
            ~ ' horizon is built yet; leave the variable out'
        ) }}
    {% endif %}
    {% if var('grid_days') | int != 0 and 30 % (var('grid_days') | int) != 0 %}
        {{ exceptions.raise_compiler_error(
            'grid_days is ' ~ var('grid_days') ~ ': the lattice of as-of dates needs a divisor of 30,'
            ~ ' or 0 for a step by the size of the shop'
        ) }}
    {% endif %}
    {% if execute and flags.WHICH in ['build', 'run', 'test', 'snapshot'] %}
        {% set missing = [] %}
        {% for table in graph.sources.values() if table.source_name == 'retail' and table.name not in ['loads', 'planned_promotions'] %}
            {% if adapter.get_relation(table.database, table.schema, table.name) is none %}
                {% do missing.append(table.schema ~ '.' ~ table.name) %}
            {% endif %}
        {% endfor %}
        {% if missing %}
            {{ exceptions.raise_compiler_error(
                'the warehouse has no ' ~ missing | join(', ')
                ~ ': load a shop with `python generate/synthetic.py` or `python load/load.py PATH`'
            ) }}
        {% endif %}
        {% if var('shard') is not sameas true and adapter.get_relation(target.database, 'raw', 'parts_held') %}
            {{ exceptions.raise_compiler_error(
                'this warehouse is a shard, and holds some customers of a shop only: build it with'
                ~ ' `python shards/build.py`'
            ) }}
        {% endif %}
        {#- of a shard the schedule asks it, which knows how far the whole shop reaches -#}
        {% if var('as_of') and var('shard') is not sameas true %}
            {{ assert_as_of_is_reached() }}
        {% endif %}
    {% endif %}
{% endmacro %}
