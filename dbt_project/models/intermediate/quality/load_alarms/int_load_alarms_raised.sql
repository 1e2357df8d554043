with

rows_missed as (

    select * from {{ ref('int_day_rows_missed') }}

),

shares as (

    select * from {{ ref('int_day_shares_compared') }}
    where surprise >= 4.5

),

stores as (

    select * from {{ ref('int_store_days_missed') }}

),

categories as (

    select * from {{ ref('int_categories_renamed') }}

),

prices as (

    select * from {{ ref('int_day_prices_shifted') }}

),

causes as (

    select * from {{ ref('int_alarm_causes_listed') }}

),

stacked as (

    select * from rows_missed
    union all by name
    select * exclude (measure, least_jump, part, whole, expected_part, surprise), true as is_share
    from shares
    union all by name
    select * from stores
    union all by name
    select * from prices
    union all by name
    select * from categories

),

-- one cause a day for the rows, the customers, the products and the money, and one a category:
-- what comes first on the list explains what comes after it
raised as (

    select
        stacked.loaded_at,
        stacked.day,
        stacked.table_name,
        stacked.column_name,
        causes.cause,
        stacked.what,
        cast(stacked.seen as double) as seen,
        cast(stacked.expected as double) as expected,
        case
            when stacked.is_share then format(
                '{:.1f} % {}, expected {:.1f} %',
                100 * stacked.seen, causes.words, 100 * stacked.expected
            )
            else format(
                '{:d} {}, expected {:d}',
                cast(stacked.seen as bigint),
                concat_ws(' ', causes.words, stacked.what),
                cast(round(stacked.expected) as bigint)
            )
        end as message,
        causes.severity
    from stacked
    inner join causes
        on stacked.table_name = causes.table_name
        and stacked.sign = causes.sign
        and stacked.column_name = causes.column_name
    qualify row_number() over (
        partition by stacked.day, causes.topic, if(causes.topic = 'categories', stacked.what, null)
        order by causes.place, stacked.expected desc
    ) = 1

)

select * from raised
