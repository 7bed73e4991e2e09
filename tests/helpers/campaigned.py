"""A client with one website and one account, and campaigns as a test wants them."""

import json

from widerview.agency.models import Client


def with_campaigns(*campaigns: dict[str, object], **more: object) -> Client:
    """A client with campaigns whose landing page is https://shop.example/bread where they say no other."""
    small = {
        "client": "shop", "name": "Shop", "time_zone": "Europe/Berlin", "reviewers": ["mira"],
        "office_hours": {"monday": {"opens": "08:00", "closes": "17:00"}},
        "sender": {"name": "M", "email": "m@agency.example", "agency": "A", "postal_address": "S"},
        "recipients": [{"name": "Ada", "email": "ada@shop.example"}],
        "accounts": [{"platform": "bluesky", "handle": "shop.example"}],
        "web": [{"platform": "matomo", "site_id": "1", "url": "https://www.shop.example", "connection": "m"}],
        "campaigns": [
            {"name": "n", "goal": "g", "starts": "2026-11-02", "ends": "2026-11-29",
             "landing_page": "https://shop.example/bread"} | each
            for each in campaigns
        ],
        **more,
    }  # fmt: skip
    return Client.model_validate_json(json.dumps(small), strict=True)


def poster(**more: object) -> dict[str, object]:
    return {"kind": "poster", "name": "Poster", "path": "/market"} | more
