MODEL (
  name diner.order_items,
  kind INCREMENTAL_BY_TIME_RANGE (time_column order_day),
  audits (
    not_null(columns := (order_id, item_id, quantity)),
    quantity_within(most := 50)
  )
);

SELECT
  l.order_id,
  l.item_id,
  l.quantity,
  o.order_day
FROM diner.orders AS o
JOIN raw.order_lines AS l
  ON l.order_id = o.order_id
WHERE
  o.order_day BETWEEN @start_date AND @end_date
