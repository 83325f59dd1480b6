MODEL (
  name diner.top_waiters,
  owner jen,
  audits (unique_values(columns := (waiter_id)))
);

SELECT waiter_id, name, revenue
FROM diner.waiter_revenue
ORDER BY revenue DESC, waiter_id
LIMIT @VAR('top', 5)
