MODEL (
  name core.account_history,
  kind SCD_TYPE_2_BY_COLUMN (
    unique_key [account_id],
    columns [balance]
  ),
  grain (account_id, valid_from)
);

SELECT account_id, balance FROM core.balances
