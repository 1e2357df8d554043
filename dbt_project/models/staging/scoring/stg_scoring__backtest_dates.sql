with

source as (

    select * from {{ source('scoring', 'backtest_dates') }}

),

typed as (

    select
        as_of_date,
        chosen,
        month_doubt,
        part_doubt,
        chance_doubt,
        written_at
    from source

)

select * from typed
