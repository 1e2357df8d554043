{% macro note_builds_read() %}
    {#- what the next run may build upon -#}
    {%- set read = {
        'customers_read': ref('int_customers_versioned'),
        'products_read': ref('int_products_versioned'),
        'caps_read': ref('int_line_caps_set'),
    } -%}
    {%- for table, relation in read.items() %}
    create or replace table builds.{{ table }} as from {{ relation }};
    {%- endfor %}
    create or replace table builds.loads_read as from builds.loads_found;
    delete from builds.dates_to_compute
{% endmacro %}


{% macro note_shard_built() %}
    {#- A shard is built in phases, and only the last of them makes it complete -#}
    {% do run_query(note_builds_read()) %}
{% endmacro %}
