{% macro facts_hashed(day) -%}
    {#- what an as-of date up to the day can see, by customer; a row void later still stands -#}
    {%- set facts = [
        (ref('int_customer_days_spaced'), 'known_date', 'known_until'),
        (ref('int_category_states_tracked'), 'known_date', 'known_until'),
        (ref('int_customers_known'), 'greatest(known_from_date, valid_from)', 'valid_until'),
    ] -%}
    select
        customer_id,
        sum(row_hash) as facts_hash
    from (
        {%- for relation, first, last in facts %}
        select
            customer_id,
            cast(hash(*columns(* exclude ({{ last }}))) as hugeint)
            + cast(hash(case when {{ last }} < {{ day }} then {{ last }} end) as hugeint) as row_hash
        from {{ relation }}
        where {{ first }} < {{ day }}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    )
    group by all
{%- endmacro %}
