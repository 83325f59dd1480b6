MODEL (
  name raw.customers,
  kind SEED (path 'customers.csv'),
  columns (id INTEGER, name VARCHAR, email VARCHAR, country VARCHAR, signed_up_on DATE),
  grain id
);
