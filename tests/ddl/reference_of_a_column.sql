CREATE TABLE shop.orders (customer STRING REFERENCES shop.customers(id) NOT ENFORCED, n INT64);
