with

dates as (

    select * from {{ ref('shop_as_of') }}('{{ ref("int_snapshots_scheduled") | replace('"', "") }}')

)

select * from dates
