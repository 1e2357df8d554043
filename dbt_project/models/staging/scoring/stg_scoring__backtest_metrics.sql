with

source as (

    select * from {{ source('scoring', 'backtest_metrics') }}

),

typed as (

    select
        as_of_date,
        model,
        metric,
        value,
        low,
        high,
        best_baseline,
        difference,
        difference_low,
        difference_high,
        customers,
        written_at
    from source

)

select * from typed
