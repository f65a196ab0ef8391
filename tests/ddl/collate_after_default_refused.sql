CREATE TABLE shop.orders (
  id STRING NOT NULL,
  state STRING DEFAULT 'new' COLLATE 'und:ci'
);
