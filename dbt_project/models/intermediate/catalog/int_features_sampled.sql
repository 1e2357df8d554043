with

mart as (

    select * from {{ ref('feat_customer_snapshots') }}

),

schedule as (

    select * from {{ ref('int_snapshots_scheduled') }}

),

sizes as (

    select
        schedule.as_of_date,
        schedule.is_current,
        count(*) as rows,
        sum(count(*)) over () as all_rows
    from mart
    inner join schedule
        on mart.as_of_date = schedule.as_of_date
    group by all

),

-- a hash of the key chooses: the same rows in every build, whatever the order
drawn as (

    select
        mart.*,
        sizes.is_current
        and hash(mart.customer_id, 1) % 1000000 < 1000000.0 * {{ var('sampled_rows') }} / sizes.rows
            as is_current_sample,
        hash(mart.customer_id, mart.as_of_date) % 1000000
        < 1000000.0 * {{ var('sampled_rows') }} / sizes.all_rows as is_sample
    from mart
    inner join sizes
        on mart.as_of_date = sizes.as_of_date
    where is_current_sample or is_sample

)

select * from drawn
