{% macro sum_by_set(relation, doubts, columns) %}
    {#- the shop, its regions and segments, and tenths of the forecast (1: the highest) -#}
    select
        summed.*,
        doubts.* exclude (as_of_date),
        {{ total_doubt(
            'summed.forecast / nullif(max(summed.forecast) over (partition by summed.as_of_date), 0)'
        ) }} as doubt
    from (
        select
            as_of_date,
            case
                when grouping(region) = 0 then 'region'
                when grouping(segment_id) = 0 then 'segment'
                when grouping(spend_decile) = 0 then 'decile'
                else 'all'
            end as set_kind,
            case
                when grouping(region) = 0 then region
                when grouping(segment_id) = 0 then segment_id
                when grouping(spend_decile) = 0 then cast(spend_decile as varchar)
                else 'all'
            end as set_name,
            count(*) as customers,
            {%- for column in columns %}
            sum({{ column }}) as {{ column }},
            {%- endfor %}
            sum(spend_deviation * spend_deviation) as variance
        from (
            select
                *,
                {{ spend_decile('forecast') }} as spend_decile
            from {{ relation }}
        )
        group by grouping sets (
            (as_of_date),
            (as_of_date, region),
            (as_of_date, segment_id),
            (as_of_date, spend_decile)
        )
    ) as summed
    inner join {{ doubts }} as doubts
        on summed.as_of_date = doubts.as_of_date
{% endmacro %}
