with

months as (

    select * from {{ shop_facts('int_line_months_listed') }}

),

binned as (

    select * from {{ shop_facts('int_line_sizes_binned') }}

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

{{ raise_caps() }},

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
