with

lines as (

    select * from {{ ref('int_lines_checked') }}
    where rejected_by is null

),

binned as (

    select * from {{ ref('int_line_sizes_binned') }}

),

months as (

    select distinct cast(date_trunc('month', event_date) as date) as event_month
    from lines

),

-- a row that became known in a month is used from the next month on: a late row moves no cap
-- that an earlier as-of date has read
earlier as (

    select
        months.event_month,
        binned.measure,
        binned.size_bin,
        sum(binned.lines) as lines,
        sum(binned.money) as money
    from months
    inner join binned
        on months.event_month > binned.known_month
    group by all

),

cumulated as (

    select
        *,
        sum(lines) over (partition by event_month, measure order by size_bin) as lines_up_to,
        sum(lines) over (partition by event_month, measure) as lines_in_all,
        sum(money) over (partition by event_month, measure order by size_bin) as money_up_to,
        sum(money) over (partition by event_month, measure) as money_in_all
    from earlier

),

usual as (

    select
        event_month,
        measure,
        min(size_bin) as quantile_bin,
        {{ var('cap_multiple') }} * exp(min(size_bin) / 20) as cap
    from cumulated
    where lines_up_to >= {{ var('cap_quantile') }} * lines_in_all
        and lines_in_all >= {{ var('cap_minimum_lines') }}
    group by all

),

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

),

pivoted as (

    select
        event_month,
        -- whole cents, in the type of the amounts
        cast(
            cast(max(cap) filter (where measure = 'amount') as decimal(18, 2)) as decimal(18, 4)
        ) as amount_cap,
        cast(max(cap) filter (where measure = 'quantity') as decimal(18, 3)) as quantity_cap
    from capped
    group by all

)

select * from pivoted
