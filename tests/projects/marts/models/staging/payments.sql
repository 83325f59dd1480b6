-- Payments as they come in
MODEL (
  name marts.staging.payments,
  session_properties (query_label = 'payments', 'a b' = 1),
  optimize_query false,
  formatting false,
  ignored_rules [noselectstar]
);

SELECT
  payment_id, -- the bank's number
  account_id, -- who pays
  amount::DECIMAL(10, 2) AS amount,
  paid_on::DATE AS paid_on,
FROM raw.payments
