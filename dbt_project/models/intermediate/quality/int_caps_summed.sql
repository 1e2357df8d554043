with

lines as (

    select
        line_item_id,
        customer_id,
        amount_before_cap,
        line_item_amount,
        abs(amount_before_cap - line_item_amount) as money_cut
    from {{ ref('int_lines_capped') }}
    where known_until = {{ end_of_time() }}

),

-- few of many lines are to be shown: only theirs get words
shown as (

    select max(
        {
            'money': money_cut,
            'line': 'line ' || line_item_id || ' of ' || customer_id || ' from '
                || amount_before_cap || ' to ' || line_item_amount
        }, 3
    ) as largest
    from lines
    where money_cut > 0

),

-- what the gate looks at; a shop without lines has a row of zeros
summed as (

    select
        count(*) filter (where money_cut > 0) as rows,
        coalesce(sum(abs(amount_before_cap)), 0) as money,
        coalesce(sum(money_cut), 0) as money_cut
    from lines

),

shown_beside as (

    select
        summed.*,
        shown.largest
    from summed
    cross join shown

)

select * from shown_beside
