MODEL (
  name diner.customers,
  kind FULL,
  cron '@daily',
  tags (pii, fact),
  grain guest_id
);

@DEF(min_orders, 1);

WITH counted AS (
  SELECT guest_id, count(*) AS orders, min(order_day) AS first_day
  FROM diner.orders
  GROUP BY guest_id
)
SELECT
  g.guest_id,
  g.name,
  g.zip,
  c.orders,
  c.first_day
FROM raw.guests AS g
JOIN counted AS c USING (guest_id)
WHERE c.orders >= @min_orders
