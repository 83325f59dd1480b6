MODEL (
  name marts.report,
  kind FULL,
  description 'What the board sees',
  virtual_environment_mode full,
  enabled true,
  audits [not_null(columns := [account_id]), unique_combination_of_columns(columns := [account_id, country])],
);

SELECT s.account_id, s.country, s.balance, b.accounts
FROM marts.small AS s
LEFT JOIN core.by_country AS b ON b.country IS NOT DISTINCT FROM s.country
