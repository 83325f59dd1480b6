MODEL (
  name core.balances,
  kind INCREMENTAL_BY_UNIQUE_KEY (
    unique_key (account_id, currency)
  ),
  start '2026-01-01',
  physical_properties (retention_days = 30),
  partitioned_by [country],
  depends_on [staging.accounts],
  grain (account_id, currency)
);

SELECT
  p.account_id,
  NULL::TEXT AS currency,
  any_value(a.country) AS country,
  sum(p.amount) AS balance,
  max(p.paid_on) AS last_paid
FROM "marts"."staging"."payments" AS p
LEFT JOIN staging.accounts AS a ON a.account_id = p.account_id
GROUP BY p.account_id
