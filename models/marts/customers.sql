MODEL (
  name marts.customers,
  description 'One row per customer, with what they have ordered so far.',
  grain customer_id
);

SELECT
  customers.customer_id,
  customers.name,
  customers.country,
  count(orders.order_id) AS orders,
  coalesce(sum(orders.total), 0) AS revenue,
  min(orders.ordered_on) AS first_order_on,
  max(orders.ordered_on) AS last_order_on
FROM staging.customers AS customers
LEFT JOIN marts.orders AS orders ON orders.customer_id = customers.customer_id
GROUP BY customers.customer_id, customers.name, customers.country
