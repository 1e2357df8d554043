with

snapshots as (

    select * from {{ ref('int_customers_snapshotted') }}

),

spend as (

    select * from {{ ref('feat_spend') }}

),

frequency as (

    select * from {{ ref('feat_frequency') }}

),

baskets as (

    select * from {{ ref('feat_baskets') }}

),

loyalty as (

    select * from {{ ref('feat_loyalty') }}

),

season as (

    select * from {{ ref('feat_season') }}

),

-- a feature added to one of the parts and to the contract is in the mart: no list to keep here
joined as (

    select
        snapshots.as_of_date,
        snapshots.customer_id,
        spend.* exclude (as_of_date, customer_id),
        frequency.* exclude (as_of_date, customer_id),
        baskets.* exclude (as_of_date, customer_id),
        loyalty.* exclude (as_of_date, customer_id),
        season.* exclude (as_of_date)
    from snapshots
    inner join spend
        on snapshots.as_of_date = spend.as_of_date
        and snapshots.customer_id = spend.customer_id
    inner join frequency
        on snapshots.as_of_date = frequency.as_of_date
        and snapshots.customer_id = frequency.customer_id
    inner join baskets
        on snapshots.as_of_date = baskets.as_of_date
        and snapshots.customer_id = baskets.customer_id
    inner join loyalty
        on snapshots.as_of_date = loyalty.as_of_date
        and snapshots.customer_id = loyalty.customer_id
    inner join season
        on snapshots.as_of_date = season.as_of_date

)

select * from joined
