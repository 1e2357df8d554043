with

-- read where it is needed: DuckDB would copy all rows of what is named twice
mart as not materialized (

    select * from {{ ref('feat_customer_snapshots') }}

),

schedule as (

    select * from {{ ref('int_snapshots_scheduled') }}

),

sizes as (

    select
        mart.as_of_date,
        schedule.is_current,
        count(*) as rows,
        sum(count(*)) over () as all_rows
    from mart
    inner join schedule
        on mart.as_of_date = schedule.as_of_date
    group by all

),

-- a hash of the key chooses: the same rows in every build, whatever their order
drawn as (

    select
        mart.as_of_date,
        mart.customer_id,
        hash(mart.as_of_date, mart.customer_id) % 1000000
        < 1000000.0 * {{ var('sampled_rows') }} / sizes.all_rows as is_sample,
        sizes.is_current
        and hash(mart.customer_id) % 1000000 < 1000000.0 * {{ var('sampled_rows') }} / sizes.rows
            as is_current_sample
    from mart
    inner join sizes
        on mart.as_of_date = sizes.as_of_date
    where is_sample or is_current_sample

),

-- all columns of the few
sampled as (

    select
        mart.*,
        drawn.is_sample,
        drawn.is_current_sample
    from mart
    inner join drawn
        on mart.as_of_date = drawn.as_of_date
        and mart.customer_id = drawn.customer_id

)

select * from sampled
