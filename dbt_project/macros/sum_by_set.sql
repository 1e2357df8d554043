{% macro sum_by_set(forecasts, features, doubts, columns) %}
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
                forecasts.*,
                -- a customer who has left the mart since still counts in the whole
                coalesce(features.region, 'Unknown') as region,
                coalesce(features.segment_id, 'UNKNOWN') as segment_id,
                {{ spend_decile('forecasts.forecast', 'forecasts') }} as spend_decile
            from {{ forecasts }} as forecasts
            left join {{ features }} as features
                on forecasts.as_of_date = features.as_of_date
                and forecasts.customer_id = features.customer_id
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
