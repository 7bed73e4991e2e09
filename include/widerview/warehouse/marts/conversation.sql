-- One row a message between a client and the people on a platform: what they wrote under the client's posts, what the
-- client answered there, and the client's answers to posts of others.
--
-- key: client_id, source, message_id
--
-- client_id          text                      The client's id.
-- source             text                      The platform.
-- account_id         text                      The client's account.
-- message_id         text                      The platform's own id of the comment or post.
-- direction          text                      in: somebody wrote to the client; out: the client wrote.
-- written_at         timestamp with time zone  When it was written, as the platform says.
-- post_id            text                      The client's post it stands under; NULL: under somebody else's post.
-- reply_to           text                      The message it answers; NULL if it answers the post itself.
-- author             text                      Who wrote it, as a salted hash; NULL: the client, in a post.
-- text               text                      Its words, as written.
-- permalink          text                      Where to see it; empty if the platform does not say.
-- answered_at        timestamp with time zone  When the client first answered it; NULL: not yet, or the client's own.
-- minutes_to_answer  double precision          Minutes by the clock from one to the other, office hours or not.
-- observed_at        timestamp with time zone  When the answer of the platform with its latest version had arrived.
-- receipt            text                      sha256 of that answer in landing, in hex.
WITH message AS (
    -- what the client wrote may come as a comment and as a post: the comment says where it stands
    SELECT DISTINCT ON (client_id, source, message_id) *
    FROM (
        SELECT
            client_id, source, comment_id AS message_id, false AS is_post, account_id, own, published_at, post_id,
            reply_to, author, text, permalink, observed_at, recorded_at, receipt
        FROM public.comment
        WHERE recorded_at <= mart.as_of()
        UNION ALL
        SELECT
            client_id, source, post_id, true, account_id, true, published_at, NULL,
            reply_to, NULL, text, permalink, observed_at, recorded_at, receipt
        FROM public.post
        WHERE reply_to IS NOT NULL AND recorded_at <= mart.as_of()
    ) AS version
    ORDER BY client_id, source, message_id, is_post, observed_at DESC, recorded_at DESC
), answered AS (
    SELECT
        *,
        min(published_at) FILTER (WHERE own)
            OVER (PARTITION BY client_id, source, CASE WHEN own THEN reply_to ELSE message_id END) AS first_answer_at
    FROM message
)
SELECT
    client_id, source, account_id COLLATE "C" AS account_id, message_id,
    CASE WHEN own THEN 'out' ELSE 'in' END AS direction,
    published_at AS written_at, post_id, reply_to, author, text, permalink,
    CASE WHEN NOT own THEN first_answer_at END AS answered_at,
    CASE
        WHEN NOT own AND first_answer_at IS NOT NULL
        -- an author's clock may be wrong
        THEN CAST(greatest(extract(epoch FROM first_answer_at - published_at) / 60, 0) AS double precision)
    END AS minutes_to_answer,
    observed_at, encode(receipt, 'hex') AS receipt
FROM answered
