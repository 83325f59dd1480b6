AUDIT (
  name assert_positive_sensor_ids,
);

SELECT *
FROM @this_model
WHERE
  sensor_id < 0
