MODEL (
  name marts.daily_revenue,
  description 'Orders and revenue per day.',
  grain day
);

SELECT ordered_on AS day, count(*) AS orders, sum(total) AS revenue
FROM marts.orders
GROUP BY ordered_on
