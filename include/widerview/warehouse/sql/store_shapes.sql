-- Keep the shape of a target's answers, unless a later pull has told of it.
INSERT INTO answer_shape (client_id, source, ref, stream, observed_at, shape)
SELECT CAST(:client_id AS text), CAST(:source AS text), CAST(:ref AS text), key, CAST(:observed_at AS timestamptz), value
FROM jsonb_each(CAST(:shapes AS jsonb))
ON CONFLICT (client_id, source, ref, stream) DO UPDATE SET observed_at = excluded.observed_at, shape = excluded.shape
WHERE answer_shape.observed_at < excluded.observed_at
