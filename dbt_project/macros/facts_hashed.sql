{% macro facts_hashed(day) -%}
    {#- what an as-of date up to the day can see, by customer; a row void later still stands -#}
    select
        customer_id,
        sum(row_hash) as facts_hash
    from (
        {%- for facts in facts_of_customers() %}
        select
            customer_id,
            cast(hash(
                *columns(* exclude ({{ facts.last }})),
                case when {{ facts.last }} < {{ day }} then {{ facts.last }} end
            ) as hugeint) as row_hash
        from {{ ref(facts.model) }}
        where {{ facts.first }} < {{ day }}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    )
    group by all
{%- endmacro %}
