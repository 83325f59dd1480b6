MODEL (
  name core.log,
  kind INCREMENTAL_UNMANAGED (insert_overwrite true),
  stamp 'first',
  storage_format parquet
);

SELECT paid_on, count(*) AS payments FROM staging.payments GROUP BY paid_on
