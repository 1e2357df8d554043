{% macro create_promotions_if_missing() %}
    {#- a shop that plans no promotions has no such table; one of its own making may lack what is optional -#}
    {%- set promotions = source('retail', 'planned_promotions') -%}
    create schema if not exists {{ promotions.schema }};
    create table if not exists {{ promotions }} (
        start_date date,
        end_date date,
        name varchar,
        _loaded_at timestamp
    );
    {%- for column, type in [
        ('category', 'varchar'), ('expected_lift', 'decimal(9, 4)'), ('announced_on', 'date')
    ] %}
    alter table {{ promotions }} add column if not exists {{ column }} {{ type }};
    {%- endfor %}
{% endmacro %}
