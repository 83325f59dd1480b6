MODEL (
  name staging.customers,
  description 'One row per customer, as they signed up.',
  grain customer_id
);

SELECT id AS customer_id, name, lower(email) AS email, country, signed_up_on
FROM raw.customers
