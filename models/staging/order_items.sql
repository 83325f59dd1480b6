MODEL (
  name staging.order_items,
  description 'One row per order line, with what was paid for it.',
  grain (order_id, line)
);

SELECT
  items.order_id,
  items.line,
  items.product_id,
  items.quantity,
  (products.price * items.quantity * (100 - items.discount_percent) / 100)::DECIMAL(10, 2) AS amount
FROM raw.order_items AS items
JOIN staging.products AS products USING (product_id)
