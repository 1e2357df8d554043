with

source as (

    select * from {{ source('scoring', 'expected_scores') }}

),

typed as (

    select
        run_id,
        metric,
        expected,
        low,
        high,
        published_at
    from source

)

select * from typed
