CREATE TABLE shop.orders (
  order_id STRING,
  mail STRING OPTIONS (policy_tags = ('projects/p/locations/us/taxonomies/1/policyTags/2')),
  phone STRING OPTIONS (data_policies = ["{'name':'myproject.us.mask'}"], description = 'masked'),
  s STRUCT<
    a STRING OPTIONS (policy_tags = ('projects/p/locations/us/taxonomies/1/policyTags/3')),
    b STRING OPTIONS (data_policies = ["{'name':'myproject.us.mask'}"]),
    c NUMERIC OPTIONS (rounding_mode = 'ROUND_HALF_EVEN')
  >
);
