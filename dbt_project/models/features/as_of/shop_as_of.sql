{{ config(parameters=['spine_table']) }}

with

season as (

    select * from {{ ref('feat_season') }}

)

select * from season
