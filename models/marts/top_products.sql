MODEL (
  name marts.top_products,
  kind VIEW,
  description 'Products by revenue.',
  grain product_id
);

SELECT
  products.product_id,
  products.name,
  products.category,
  sum(items.quantity) AS pieces,
  sum(items.amount) AS revenue
FROM staging.order_items AS items
JOIN staging.products AS products ON products.product_id = items.product_id
GROUP BY products.product_id, products.name, products.category
