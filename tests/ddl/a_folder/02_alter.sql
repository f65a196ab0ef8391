-- added later
ALTER TABLE shop.orders ADD COLUMN day DATE;
