with

metrics as (

    select * from {{ ref('stg_scoring__backtest_metrics') }}

),

judged as (

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
        -- the same customers drawn again would hardly turn it round
        difference_low > 0 or difference_high < 0 as is_clear,
        customers,
        written_at
    from metrics

)

select * from judged
