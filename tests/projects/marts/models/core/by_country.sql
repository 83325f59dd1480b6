MODEL (
  name core.by_country,
  kind INCREMENTAL_BY_PARTITION,
  partitioned_by (country),
  audits (unique_values(columns := (country), blocking := false))
);

SELECT country, count(*) AS accounts, sum(balance) AS balance
FROM core.balances
GROUP BY country
