with

metrics as (

    select * from {{ ref('stg_scoring__backtest_metrics') }}

),

judged as (

    select
        *,
        -- the same customers drawn again would hardly turn it round
        difference_low > 0 or difference_high < 0 as is_clear
    from metrics

)

select * from judged
