{% macro sum_whole_shop(parts, columns) %}
    {#- known customers and newcomers together; their doubts, in money, add by their squares -#}
    select
        as_of_date,
        'whole shop' as set_kind,
        'whole shop' as set_name,
        cast(sum(customers) as bigint) as customers,
        sum(expected_spend) as expected_spend,
        case
            when count(total_low) = 2
                then greatest(
                    sum(expected_spend) - sqrt(sum(pow(expected_spend - total_low, 2))), 0
                )
        end as total_low,
        case
            when count(total_high) = 2
                then sum(expected_spend) + sqrt(sum(pow(total_high - expected_spend, 2)))
        end as total_high,
        {%- for column, of_both in columns.items() %}
        {{ of_both }}({{ column }}) as {{ column }},
        {%- endfor %}
    from {{ parts }}
    where set_kind in ('all', 'newcomers')
    group by as_of_date
    having count(*) = 2
{% endmacro %}
