MODEL (
  name raw.products,
  kind SEED (path 'products.csv'),
  columns (id INTEGER, name VARCHAR, category VARCHAR, price_cents INTEGER),
  grain id
);
