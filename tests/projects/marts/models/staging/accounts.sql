MODEL (
  name staging.accounts,
  kind SEED (
    path '../../seeds/accounts.csv',
    csv_settings (
      delimiter = ';',
      na_values = ('-')
    )
  ),
  columns (account_id INT, country TEXT, opened DATE)
);
