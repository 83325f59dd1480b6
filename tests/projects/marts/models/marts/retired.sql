MODEL (name marts.retired, kind FULL, enabled false);
SELECT 1 AS one
