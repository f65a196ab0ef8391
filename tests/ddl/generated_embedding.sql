CREATE TABLE shop.items (
  content STRING,
  embedding STRUCT<result ARRAY<FLOAT64>, status STRING>
    GENERATED ALWAYS AS (AI.EMBED(content, endpoint => 'text-embedding-005')) STORED OPTIONS (asynchronous = TRUE)
);
