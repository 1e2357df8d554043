with

source as (

    select * from {{ source('scoring', 'feature_lineage') }}

),

typed as (

    select
        feature,
        source_columns,
        row_columns,
        written_at
    from source

)

select * from typed
