with

source as (

    select * from {{ source('scoring', 'feature_importance') }}

),

typed as (

    select
        feature,
        importance,
        model_version,
        fitted_at
    from source

)

select * from typed
