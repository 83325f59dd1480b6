MODEL (
  name lab.sensors,
  kind FULL,
  cron '@daily',
  grain sensor_id,
  audits (assert_positive_sensor_ids),
);

SELECT
  sensor_id,
  COUNT(DISTINCT id) AS readings,
FROM
  lab.daily_readings
GROUP BY sensor_id
