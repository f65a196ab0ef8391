CREATE TABLE shop.orders (
  a STRING OPTIONS (description = r'raw \d'),
  b STRING OPTIONS (description = """three "quotes" and
a line"""),
  c STRING OPTIONS (description = 'it\'s; a -- comment'),
  d STRING OPTIONS (description = '\u00e9\x41')
);
