with

source as (

    select * from {{ source('scoring', 'model_registry') }}

),

typed as (

    select
        version,
        as_of_date,
        status,
        fitted_at,
        promoted_at,
        reason,
        git_revision,
        contract_hash,
        data_fingerprint,
        test_as_of_date,
        validation_as_of_dates,
        training_as_of_dates,
        parameters,
        metrics,
        sha256,
        coalesce(trained_with_erased, false) as trained_with_erased
    from source

)

select * from typed
