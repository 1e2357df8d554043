-- a loader takes the champion, and two would leave it to chance which
with

champions as (

    select * from {{ ref('stg_scoring__model_registry') }}
    where status = 'champion'

)

select
    count(*) as champions,
    list(version) as versions
from champions
having count(*) > 1
