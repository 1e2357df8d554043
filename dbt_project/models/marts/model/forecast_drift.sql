{% set text = {
    'lines': "format('{:,.0f}', value)",
    'share of rows': "format('{:.1f} %', 100 * value)",
    'times the usual of the product': "format('{:.2f}', value)",
} %}
with

stacked as (

    select * from {{ ref('int_drift_rows_stacked') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by is_unusual
            order by surprise desc, dimension, member, measure
        ) as place
    from stacked

),

worded as (

    select
        as_of_date,
        compared_with,
        dimension,
        member,
        measure,
        unit,
        raw_column,
        value_then,
        value_now,
        usual_low,
        usual_high,
        surprise,
        is_unusual,
        if(is_unusual, place, null) as unusual_place,
        money_explained,
        if(is_unusual, format(
            '{} {}, {}: {}, was {}, usual {} to {}',
            dimension,
            member,
            measure,
            {%- for value in ['value_now', 'value_then', 'usual_low', 'usual_high'] %}
            case unit
                {%- for unit, format in text.items() %}
                when '{{ unit }}' then {{ format.replace('value', value) }}
                {%- endfor %}
            end{{ ',' if not loop.last }}
            {%- endfor %}
        ), null) as message,
        model_version
    from ranked

)

select * from worded
