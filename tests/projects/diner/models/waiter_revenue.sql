MODEL (
  name diner.waiter_revenue,
  kind FULL,
  audits (forall(criteria := (revenue > 0)))
);

JINJA_QUERY_BEGIN;

{% set columns = ['waiter_id', 'name'] %}
SELECT
  {% for column in columns %} n.{{ column }}, {% endfor %}
  sum(i.price * oi.quantity)::DECIMAL(10, 2) AS revenue
FROM diner.order_items AS oi
JOIN diner.orders AS o ON o.order_id = oi.order_id
JOIN diner.items AS i ON i.item_id = oi.item_id
JOIN diner.waiter_names AS n ON n.waiter_id = o.waiter_id
GROUP BY {% for column in columns %} n.{{ column }}{% if not loop.last %}, {% endif %}{% endfor %}

JINJA_END;
