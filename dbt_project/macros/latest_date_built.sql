{% macro latest_date_built() -%}
    {%- set mart = adapter.get_relation(target.database, 'features', 'feat_customers') if execute -%}
    {%- set latest = none -%}
    {%- if mart -%}
        {%- set latest = run_query('select max(as_of_date) from ' ~ mart).columns[0].values()[0] -%}
    {%- endif -%}
    date '{{ latest or "0001-01-01" }}'
{%- endmacro %}
