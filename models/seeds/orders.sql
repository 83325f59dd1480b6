MODEL (
  name raw.orders,
  kind SEED (path 'orders.csv'),
  columns (id INTEGER, customer_id INTEGER, ordered_on DATE, status VARCHAR),
  grain id
);
