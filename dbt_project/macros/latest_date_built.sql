{% macro latest_date_built() -%}
    {%- set ledger = adapter.get_relation(target.database, 'features', 'snapshot_ledger') if execute -%}
    {%- set latest = none -%}
    {%- if ledger -%}
        {%- set latest = run_query('select max(as_of_date) from ' ~ ledger).columns[0].values()[0] -%}
    {%- endif -%}
    date '{{ latest or "0001-01-01" }}'
{%- endmacro %}
