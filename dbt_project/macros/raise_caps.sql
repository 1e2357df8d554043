{% macro raise_caps() -%}
-- the lines of those months that the cap would have cut: the bins that lie above it as a whole
cut as (

    select
        usual.event_month,
        usual.quantile_bin,
        usual.cap,
        sum(cumulated.lines) as lines,
        cast(sum(cumulated.money) as double) as money
    from usual
    inner join cumulated
        on usual.event_month = cumulated.event_month
        and usual.quantile_bin + ceil(20 * ln({{ var('cap_multiple') }})) < cumulated.size_bin
    where usual.measure = 'amount' and cumulated.measure = 'amount'
    group by all

),

-- a few large lines may be slips, however much they say; many, or much in several, are the business
raised as (

    select
        cut.event_month,
        exp(min(cumulated.size_bin) / 20) as cap
    from cut
    inner join cumulated
        on cut.event_month = cumulated.event_month
        and cut.quantile_bin <= cumulated.size_bin
    where cumulated.measure = 'amount'
        and cut.money - cut.lines * cut.cap
        > cast(cumulated.money_in_all as double)
        * greatest({{ var('cap_share_of_business') }}, 1 / cut.lines)
        and cast(cumulated.money_in_all - cumulated.money_up_to as double)
        - (cumulated.lines_in_all - cumulated.lines_up_to) * exp(cumulated.size_bin / 20)
        <= {{ var('cap_share_when_raised') }} * cast(cumulated.money_in_all as double)
    group by all

),

capped as (

    select
        usual.event_month,
        usual.measure,
        greatest(usual.cap, raised.cap) as cap
    from usual
    left join raised
        on usual.event_month = raised.event_month
        and usual.measure = 'amount'

)
{%- endmacro %}
