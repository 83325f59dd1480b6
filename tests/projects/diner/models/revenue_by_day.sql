MODEL (
  name diner.revenue_by_day,
  kind INCREMENTAL_BY_TIME_RANGE (time_column order_day),
  grain order_day
);

SELECT
  oi.order_day,
  @EACH([1, 2, 3], x -> sum(CASE WHEN oi.item_id = @x THEN oi.quantity ELSE 0 END)::INT AS item_@x),
  sum(@with_tax(i.price * oi.quantity))::DECIMAL(10, 2) AS revenue
FROM diner.order_items AS oi
LEFT JOIN diner.items AS i
  ON oi.item_id = i.item_id
WHERE oi.order_day BETWEEN @start_date AND @end_date
GROUP BY oi.order_day
