MODEL (
  name staging.orders,
  description 'Orders that were not cancelled.',
  grain order_id
);

SELECT id AS order_id, customer_id, ordered_on, status
FROM raw.orders
WHERE status <> 'cancelled'
