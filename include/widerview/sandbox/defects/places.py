"""Where the platforms' answers have what defects spoil, by route."""

from collections.abc import Mapping

POSTS = {
    "bluesky.getAuthorFeed": "feed",
    "mastodon.statuses": "",
    "facebook.posts": "data",
    "instagram.media": "data",
    "threads.threads": "data",
    "linkedin.posts": "elements",
    "x.timeline": "data",
    "tiktok.business_videos": "data.videos",
    "youtube.videos": "items",
    "pinterest.pins": "items",
}
"""The posts in a platform's answers."""

LISTED = {route: path for route, path in POSTS.items() if route != "youtube.videos"} | {
    "youtube.playlistItems": "items"
}
"""The lists that posts are found by; YouTube's has their ids alone."""

ONWARD = {
    "bluesky.getAuthorFeed": "cursor",
    "mastodon.statuses": "@link",
    "facebook.posts": "paging",
    "instagram.media": "paging",
    "threads.threads": "paging",
    "x.timeline": "meta.next_token",
    "tiktok.business_videos": "data.has_more",
    "pinterest.pins": "bookmark",
}
"""What leads to the next page; without it there is none."""

IDS = {
    "bluesky.getAuthorFeed": "feed.*.post.uri",
    "mastodon.statuses": "*.id",
    "facebook.posts": "data.*.id",
    "instagram.media": "data.*.id",
    "threads.threads": "data.*.id",
    "linkedin.posts": "elements.*.id",
    "x.timeline": "data.*.id",
    "tiktok.business_videos": "data.videos.*.item_id",
    "youtube.videos": "items.*.id",
    "pinterest.pins": "items.*.id",
}

PUBLISHED = {
    "bluesky.getAuthorFeed": "feed.*.post.record.createdAt",
    "mastodon.statuses": "*.created_at",
    "facebook.posts": "data.*.created_time",
    "instagram.media": "data.*.timestamp",
    "threads.threads": "data.*.timestamp",
    "linkedin.posts": "elements.*.createdAt|publishedAt",
    "x.timeline": "data.*.created_at",
    "tiktok.business_videos": "data.videos.*.create_time",
    "youtube.videos": "items.*.snippet.publishedAt",
    "pinterest.pins": "items.*.created_at",
}

LIKES = {
    "bluesky.getAuthorFeed": "feed.*.post.likeCount",
    "mastodon.statuses": "*.favourites_count",
    "facebook.posts": "data.*.reactions.summary.total_count",
    "instagram.media": "data.*.like_count",
    "threads.threads": "data.*.insights.data.*[name=likes].values.*.value",
    "linkedin.shareStatistics": "elements.*.totalShareStatistics.likeCount",
    "x.timeline": "data.*.organic_metrics.like_count",
    "tiktok.business_videos": "data.videos.*.likes",
    "youtube.videos": "items.*.statistics.likeCount",
    "pinterest.pins": "items.*.pin_metrics.lifetime_metrics.save",
}
"""The running total of a post that everybody looks at; on Pinterest, what was saved."""

VIEWS = {
    "facebook.posts": "data.*.insights.data.*[name=post_media_view].values.*.value",
    "instagram.media": "data.*.insights.data.*[name=views].values.*.value",
    "threads.threads": "data.*.insights.data.*[name=views].values.*.value",
    "linkedin.shareStatistics": "elements.*.totalShareStatistics.impressionCount",
    "x.timeline": "data.*.organic_metrics.impression_count",
    "tiktok.business_videos": "data.videos.*.video_views",
    "youtube.videos": "items.*.statistics.viewCount",
    "pinterest.pins": "items.*.pin_metrics.lifetime_metrics.impression",
}
"""How often a post was seen; it never falls."""

COUNTERS = {
    "bluesky.getAuthorFeed": "feed.*.post.likeCount|replyCount|repostCount|quoteCount|bookmarkCount",
    "mastodon.statuses": "*.favourites_count|reblogs_count|replies_count|quotes_count",
    "x.timeline": "data.*.public_metrics.*",
    "tiktok.business_videos": "data.videos.*.likes|comments|shares|video_views|reach|total_time_watched",
    "youtube.videos": "items.*.statistics.*",
    "pinterest.pins": "items.*.pin_metrics.lifetime_metrics.*",
}

FOLLOWERS = {
    "bluesky.getProfile": "followersCount",
    "mastodon.*o*u*": "followers_count",
    "facebook.page": "followers_count",
    "instagram.accounts": "data.*.instagram_business_account.followers_count",
    "threads.insights": "data.*[name=followers_count].total_value.value",
    "linkedin.networkSizes": "firstDegreeSize",
    "x.me": "data.public_metrics.followers_count",
    "tiktok.business": "data.followers_count",
    "youtube.channels": "items.*.statistics.subscriberCount",
    "pinterest.user_account": "follower_count",
}

COMMENTS = {
    "bluesky.getPostThread": "thread.replies",
    "mastodon.context": "descendants",
    "facebook.posts": "data.*.comments.data",
    "instagram.media": "data.*.comments.data",
    "threads.conversation": "data",
    "linkedin.comments": "elements",
    "tiktok.comments": "data.comments",
    "youtube.commentThreads": "items",
}

COMMENTED_AT = {
    "bluesky": "post.record.createdAt",
    "mastodon": "created_at",
    "facebook": "created_time",
    "instagram": "timestamp",
    "threads": "timestamp",
    "linkedin": "created.time",
    "tiktok": "create_time",
    "youtube": "snippet.topLevelComment.snippet.publishedAt",
}
AUTHOR = {
    "bluesky": "post.author.did",
    "mastodon": "account.id",
    "instagram": "from|username",
    "linkedin": "actor",
    "tiktok": "user_id|unique_identifier|username",
    "youtube": "snippet.topLevelComment.snippet.authorChannelId",
}
"""Who wrote a comment; Facebook and Threads often do not say, and that is no defect."""


def of_comments(keys: Mapping[str, str]) -> dict[str, str]:
    """A key of every comment, which each platform has its own name for."""
    return {
        route: f"{place}.*.{keys[route.partition('.')[0]]}"
        for route, place in COMMENTS.items()
        if route.partition(".")[0] in keys
    }


MATOMO_COUNTS = "nb_visits|nb_uniq_visitors|nb_actions|bounce_count|sum_visit_length"

WEB_COUNTS = {
    "matomo.VisitsSummary.get": f"*.{MATOMO_COUNTS}",
    "matomo.Referrers.*": f"*.*.{MATOMO_COUNTS}",
    "ga4.runReport": "rows.*.metricValues.*.value",
    "plausible.query": "results.*.metrics.0",
    "umami.stats": "pageviews|visitors|visits|bounces|totaltime",
    "search_console.query": "rows.*.clicks|impressions",
}
VISITS = {
    "matomo.VisitsSummary.get": "*.nb_visits",
    "ga4.runReport": "rows.*.metricValues.0.value",
    "plausible.query": "results.*.metrics.0",
    "umami.stats": "visits",
}
VISITORS = {
    "matomo.VisitsSummary.get": "*.nb_uniq_visitors",
    "ga4.runReport": "rows.*.metricValues.1.value",
    "plausible.query": "results.*.metrics.1",
    "umami.stats": "visitors",
}
REACH = {
    "facebook.insights": "data.*[name=page_total_media_view_unique].values.*.value",
    "instagram.insights": "data.*[name=reach].total_value.value",
    "linkedin.shareStatistics": "elements.*.totalShareStatistics.uniqueImpressionsCount",
    "tiktok.business": "data.metrics.*.unique_video_views",
}

_META_ERROR = {"error": {"message": "An unknown error has occurred.", "type": "OAuthException", "code": 1}}
ERRORS = {
    "bluesky.getAuthorFeed": {"error": "InternalServerError", "message": "Internal Server Error"},
    "mastodon.statuses": {"error": "Something went wrong"},
    "facebook.insights": _META_ERROR,
    "instagram.insights": _META_ERROR,
    "threads.insights": _META_ERROR,
    "x.timeline": {"errors": [{"title": "Service Unavailable", "detail": "Service Unavailable", "status": 503}]},
    "tiktok.business": {"code": 50000, "message": "System error", "request_id": "5A11DB0C", "data": {}},
    "matomo.VisitsSummary.get": {"result": "error", "message": "The plugin VisitsSummary is not enabled."},
    "plausible.query": {"error": "Internal server error"},
}
"""How platforms say in an answer with HTTP 200 that something went wrong."""
