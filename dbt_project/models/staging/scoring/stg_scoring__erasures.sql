with

source as (

    select * from {{ source('scoring', 'erasures') }}

),

typed as (

    select
        id_hash,
        salt,
        erased_at,
        rows_removed,
        files_rewritten,
        files_removed,
        files_searched,
        columns_searched,
        hits
    from source

)

select * from typed
