SELECT
  n AS id,
  @currency AS currency,
  n * @minimum AS price,
  @IF(@strict, n, NULL) AS strict,
  @IF(@gateway = 'local', 'here', 'there') AS place
FROM range(3) AS r(n)
