with

mart as (

    select * from {{ ref('feat_customer_snapshots') }}

),

-- one pass over the mart
counted as (

    select
        as_of_date,
        count(*) as rows,
        [
            {%- for feature in contract_features() %}
            struct_pack(
                feature := '{{ feature.name }}',
                filled := count({{ feature.name }}),
                minimum := {{ 'null' if feature.is_label else 'cast(min(' ~ feature.name ~ ') as double)' }},
                maximum := {{ 'null' if feature.is_label else 'cast(max(' ~ feature.name ~ ') as double)' }}
            ){{ ',' if not loop.last }}
            {%- endfor %}
        ] as counts
    from mart
    group by as_of_date

),

listed as (

    select
        as_of_date,
        rows,
        unnest(counts, recursive := true)
    from counted

),

summed as (

    select
        feature,
        1 - sum(filled) / sum(rows) as null_share,
        min(minimum) as minimum,
        max(maximum) as maximum,
        min(case when filled > 0 then as_of_date end) as first_as_of_date,
        max(case when filled > 0 then as_of_date end) as last_as_of_date
    from listed
    group by feature

)

select * from summed
