-- Store what is new. Where a row of the same moment is there, make one of the two. It was left by an answer that came
-- apart from this one, or by an earlier load of the same pull in a warehouse that is made anew, where a pull keeps its
-- time.
INSERT INTO {table} ({fields})
SELECT {fields} FROM staged_{table}
ON CONFLICT ({primary_key}) DO UPDATE SET {merged}
