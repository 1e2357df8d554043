{% set gates = {
    'quarantined': ('checked', 'max_quarantined_share', 'quarantined'),
    'dropped': ('checked', 'max_duplicate_share', 'dropped as said already'),
    'corrected': ('checked', 'max_superseded_share', 'said anew later'),
    'capped': ('capped', 'max_capped_share', 'taken by caps'),
} %}

with

checks as (

    select * from {{ shop_facts('int_checks_summed') }}

),

caps as (

    select * from {{ shop_facts('int_caps_summed') }}

),

dates as (

    select * from {{ ref('int_today_found') }}

),

checked as (

    select
        table_name,
        sum(money) filter (where rejected_by is not null) as quarantined,
        sum(duplicate_money) as dropped,
        sum(money) filter (where is_superseded) as corrected,
        sum(money) as money,
        sum(money) + sum(duplicate_money) as money_in
    from checks
    group by all

),

capped as (

    select
        'store_sales_line_items' as table_name,
        money_cut as capped,
        money,
        money as money_in
    from caps

),

-- from four fifths of what a gate lets through on
gated as (

    {% for cause, (relation, most, words) in gates.items() %}
    select
        'gate' as alarm_kind,
        'much_{{ cause }}' as cause,
        {{ cause }} / nullif({{ 'money' if cause in ('quarantined', 'capped') else 'money_in' }}, 0) as share,
        if(share > {{ var(most) }}, 'error', 'warn') as severity,
        dates.today as since,
        table_name as about,
        cast({{ cause }} as double) as money,
        format(
            '{:.1f} % of the money of {} is {{ words }}, the gate lets {:.0f} % through',
            100 * share, table_name, 100e0 * {{ var(most) }}
        ) as message
    from {{ relation }}
    cross join dates
    where share >= 0.8 * {{ var(most) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from gated
