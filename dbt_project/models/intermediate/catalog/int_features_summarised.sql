with

listed as (

    select * from {{ ref('int_features_listed') }}
    where is_sample

),

quartiles as (

    select
        feature,
        quantile_disc(number, 0.25) as p25,
        quantile_disc(number, 0.5) as median,
        quantile_disc(number, 0.75) as p75
    from listed
    group by feature

),

labels as (

    select
        feature,
        label,
        count(*) as frequency
    from listed
    where label is not null
    group by all

),

-- of several most frequent values the first in the alphabet
ranked as (

    select
        *,
        row_number() over (partition by feature order by frequency desc, label) as place
    from labels

),

summarised as (

    select
        quartiles.*,
        ranked.label as most_frequent
    from quartiles
    left join ranked
        on quartiles.feature = ranked.feature
        and ranked.place = 1

)

select * from summarised
