with

years as (

    select unnest(generate_series(
        year(date '{{ var("earliest_date") }}'), 2099
    )) as year

),

-- Gauss's rule for Easter Sunday, good for 1900 to 2099
moons as (

    select
        year,
        (19 * (year % 19) + 24) % 30 as moon,
        (2 * (year % 4) + 4 * (year % 7) + 6 * moon + 5) % 7 as weekday
    from years

),

easters as (

    select
        year,
        make_date(year, 3, 22) + cast(moon + weekday as integer)
        - if(weekday = 6 and (moon = 29 or (moon = 28 and year % 19 > 10)), 7, 0) as easter
    from moons

),

-- the first and last Monday of May, the last of August, Labor Day, and Thursday's Thanksgiving
moving as (

    select
        unnest([
            make_date(year, 5, 7),
            make_date(year, 5, 31),
            make_date(year, 8, 31),
            make_date(year, 9, 7),
            make_date(year, 11, 28)
        ]) as latest,
        unnest([1, 1, 1, 1, 4]) as weekday
    from years

),

-- days on which shops of many countries are shut or nearly so
listed as (

    select unnest([easter - 2, easter - 1, easter, easter + 1]) as day
    from easters

    union

    select latest - cast((isodow(latest) + 7 - weekday) % 7 as integer) as day
    from moving

    union

    select cast(year || '-' || unnest([
        '01-01', '01-02', '05-01', '07-04', '12-24', '12-25', '12-26', '12-27', '12-28', '12-29',
        '12-30', '12-31'
    ]) as date) as day
    from years

    union

    -- what the shop itself states
    select cast(unnest(cast({{ var('shut_days') }} as varchar[])) as date) as day

)

select * from listed
