"""The workload: what the API server of the peers' tools serves, and what must be in a table afterwards.

It pages posts as Facebook's Graph API does: 100 posts a page, 1,000 an account, 1.7 kB of JSON and 29 columns a post.
One metric of every post depends on the version that is asked for.
"""

HOST, PORT = "127.0.0.1", 48181
"""The port is fixed in the peers' loaders."""
SERVER = f"http://{HOST}:{PORT}"
POSTS_OF_A_PAGE = 100
POSTS_OF_AN_ACCOUNT = 1_000


def accounts(rows: int) -> list[str]:
    """The ids of the accounts that have `rows` posts together."""
    return [str(1_000_000 + number) for number in range(rows // POSTS_OF_AN_ACCOUNT)]


def expected(rows: int, version: int) -> tuple[int, int, int]:
    """Posts, distinct ids, and the sum of `post_impressions`, by the server's formula for it."""
    total = sum(
        100_000 + (int(account) * 131 + post * 17 + version * 7) % 900_000
        for account in accounts(rows)
        for post in range(POSTS_OF_AN_ACCOUNT)
    )
    return rows, rows, total
