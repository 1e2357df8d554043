with

listed as (

    select * from {{ ref('int_features_listed') }}

),

training_dates as (

    select * from {{ ref('stg_scoring__training_dates') }}

),

compared as (

    select
        listed.feature,
        listed.number,
        listed.label,
        listed.is_current_sample,
        listed.is_sample and training_dates.as_of_date is not null as is_learned
    from listed
    left join training_dates
        on listed.as_of_date = training_dates.as_of_date
    where is_current_sample or is_learned

),

-- tenths of what the model learned from; a frequent value makes for fewer
edges as (

    select
        feature,
        list_distinct(
            quantile_disc(number, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
        ) as upper_ends
    from compared
    where is_learned
    group by feature

),

binned as (

    select
        compared.feature,
        case
            when compared.label is not null then compared.label
            when compared.number is not null
                then cast(coalesce(
                    len(list_filter(edges.upper_ends, lambda upper: upper < compared.number)), 0
                ) as varchar)
        end as bin,
        count(*) filter (where compared.is_learned) as learned_rows,
        count(*) filter (where compared.is_current_sample) as current_rows
    from compared
    inner join edges
        on compared.feature = edges.feature
    group by all

),

-- half a row more in each bin: an empty one has a share too
shared as (

    select
        feature,
        (learned_rows + 0.5) / sum(learned_rows + 0.5) over (partition by feature) as learned_share,
        (current_rows + 0.5) / sum(current_rows + 0.5) over (partition by feature) as current_share
    from binned

),

-- the population stability index, rounded to where the order of the sum cannot show
drifted as (

    select
        feature,
        round(sum((current_share - learned_share) * ln(current_share / learned_share)), 6) as drift
    from shared
    group by feature

)

select * from drifted
