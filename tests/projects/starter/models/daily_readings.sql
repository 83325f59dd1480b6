MODEL (
  name lab.daily_readings,
  kind INCREMENTAL_BY_TIME_RANGE (
    time_column day
  ),
  start '2025-12-01',
  cron '@daily',
  grain (id, day)
);

SELECT
  id,
  sensor_id,
  day,
FROM
  lab.readings
WHERE
  day BETWEEN @start_date AND @end_date
