MODEL (name marts.small, kind EMBEDDED);
SELECT * FROM core.balances WHERE balance < 100
