with

windows as (

    select * from {{ ref('int_newcomers_windowed') }}

),

expected as (

    select * from {{ ref('int_newcomers_expected') }}

),

-- how far this very rule strayed at the dates whose windows had ended, as was known at the date; an
-- error a year old weighs half
strayed as (

    select
        windows.as_of_date,
        windows.windows_back,
        pow(0.5, (windows.windows_back - 1) / 12) as weight,
        ln(
            (greatest(cast(windows.spend as double), 0) + past.spend_each)
            / (past.expected_spend + past.spend_each)
        ) as log_error
    from windows
    inner join expected as past
        on windows.as_of_date - 30 * windows.windows_back = past.as_of_date
        and windows.years_back = 0
        and past.spend_each > 0

),

-- beforehand four windows are believed in that strayed by a fifth: few are paid for by Student's t
doubted as (

    select
        expected.*,
        4 + coalesce(sum(strayed.weight order by strayed.windows_back), 0) as freedom,
        sqrt(
            (4 * 0.2 * 0.2 + coalesce(
                sum(strayed.weight * pow(strayed.log_error, 2) order by strayed.windows_back), 0
            )) / freedom
        ) * {{ student_t(1.28155, 'freedom') }} as doubt
    from expected
    left join strayed
        on expected.as_of_date = strayed.as_of_date
    group by all

),

bounded as (

    select
        as_of_date,
        newcomers,
        expected_spend,
        greatest((expected_spend + spend_each) * exp(-doubt) - spend_each, 0) as total_low,
        (expected_spend + spend_each) * exp(doubt) - spend_each as total_high
    from doubted

)

select * from bounded
