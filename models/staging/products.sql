MODEL (
  name staging.products,
  description 'The catalogue, with prices in euros.',
  grain product_id
);

SELECT
  id AS product_id,
  name,
  category,
  (price_cents / 100.0)::DECIMAL(10, 2) AS price
FROM raw.products
