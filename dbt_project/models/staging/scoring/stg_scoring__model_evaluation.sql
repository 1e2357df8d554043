with

source as (

    select * from {{ source('scoring', 'model_evaluation') }}

),

typed as (

    select
        model_version,
        model,
        test_as_of_date,
        mae,
        wape,
        rmse,
        r2,
        gini,
        spearman,
        top10_capture,
        decile_error,
        sum_ratio,
        auc,
        brier,
        is_chosen,
        fitted_at
    from source

)

select * from typed
