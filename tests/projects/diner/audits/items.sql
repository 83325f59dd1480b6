AUDIT (
  name price_above_zero
);
SELECT *
FROM @this_model
WHERE
  price <= 0;

AUDIT (
  name quantity_within,
  dialect duckdb,
  defaults (
    most = 10
  ),
  blocking true
);
SELECT *
FROM @this_model
WHERE quantity > @most;
