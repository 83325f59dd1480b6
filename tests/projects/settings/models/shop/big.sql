MODEL (name shop.big, kind VIEW, audits (forall(criteria := (price >= 3))));
SELECT id, price FROM shop.prices WHERE price >= @VAR('minimum')
