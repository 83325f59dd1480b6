MODEL (
  name diner.items,
  kind SEED (path '$root/seeds/items.csv'),
  columns (item_id INT, name TEXT, price DECIMAL(10, 2), valid_on DATE),
  audits (
    accepted_values(column := name, is_in := ('Soup', 'Pie', 'Tea')),
    not_null(columns := (item_id, price)),
    price_above_zero
  ),
  grain item_id
);
