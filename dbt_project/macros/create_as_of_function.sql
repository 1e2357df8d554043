{% macro create_as_of_function(name) %}
    {#- a model's own SQL, for the rows of any table in the place of the mart's own: ids may be numbers
        or spelt in another way, rows may repeat -#}
    {%- if execute -%}
    {%- set pairs -%}
        (
            select distinct
                {{ canonical_id('customer_id') }} as customer_id,
                cast(as_of_date as date) as as_of_date
            from query_table(spine_table)
        )
    {%- endset -%}
    {%- set dates = '(select distinct cast(as_of_date as date) as as_of_date from query_table(spine_table))' -%}
    create or replace function {{ this.schema }}.{{ name }}(spine_table) as table (
        {{ replace_relations(model.compiled_code, {
            'int_customer_dates': pairs,
            'int_snapshots_scheduled': dates,
            'feat_customers': this.schema ~ '.customers_as_of(spine_table)',
            'feat_dates': this.schema ~ '.shop_as_of(spine_table)',
        }) }}
    )
    {%- endif -%}
{% endmacro %}
