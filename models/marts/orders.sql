MODEL (
  name marts.orders,
  description 'One row per order, with its total.',
  grain order_id,
  audits (unique_values(columns := order_id), not_null(columns := (customer_id, total)))
);

WITH totals AS (
  SELECT order_id, sum(amount) AS total, sum(quantity) AS pieces
  FROM staging.order_items
  GROUP BY order_id
)
SELECT
  orders.order_id,
  orders.customer_id,
  orders.ordered_on,
  orders.status,
  totals.pieces,
  CASE WHEN orders.status = 'returned' THEN 0 ELSE totals.total END AS total
FROM staging.orders AS orders
JOIN totals ON totals.order_id = orders.order_id
