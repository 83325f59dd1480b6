MODEL (
  name lab.readings,
  kind SEED (
    path '../seeds/readings.csv'
  ),
  columns (
    id INTEGER,
    sensor_id INTEGER,
    day DATE
  ),
  grain (id, day)
);
