MODEL (
  name raw.order_items,
  kind SEED (path 'order_items.csv'),
  columns (order_id INTEGER, line INTEGER, product_id INTEGER, quantity INTEGER, discount_percent INTEGER),
  grain (order_id, line)
);
