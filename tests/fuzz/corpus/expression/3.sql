CAST(x AS ARRAY<STRUCT<a INT64>>) -- c
 /* d */ + 0x1F