/* One row per order; late ones come up to two days after */
MODEL (
  name diner.orders,
  kind INCREMENTAL_BY_TIME_RANGE (
    time_column (order_day, '%Y-%m-%d'),
    lookback 2,
    batch_size 30
  ),
  cron '@daily',
  grains (order_id),
  references (guest_id, waiter_id),
  tags [core, orders],
  column_descriptions (
    order_id = 'Counts up',
    order_day = 'The day it was placed'
  )
);

SELECT
  o.order_id::INT,
  o.guest_id::INT,
  o.waiter_id::INT,
  o.placed_at::TIMESTAMP,
  o.placed_at::DATE AS order_day
FROM raw.orders AS o
WHERE
  o.placed_at::DATE BETWEEN @start_ds AND @end_ds
