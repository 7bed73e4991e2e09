"""Wrong answers that look like good ones: what platforms and mis-set configurations really give, by name.

Another fault breaks an answer; a defect leaves it well-formed and makes it untrue, or nearly so.
"""

import math

from widerview.sandbox.defects.change import (
    AHEAD,
    IN_1970,
    Change,
    Defect,
    another_id,
    as_object,
    at,
    doubled,
    each,
    first_half,
    gone,
    localised,
    negative,
    only,
    plus,
    rotated,
    times,
    to,
)
from widerview.sandbox.defects.days import (
    ACCOUNT_DAYS,
    WEB_DAYS,
    and_ahead,
    day_missing,
    day_times,
    day_twice,
    moved_back,
    on_days,
    shifted,
)
from widerview.sandbox.defects.places import (
    AUTHOR,
    COMMENTED_AT,
    COUNTERS,
    ERRORS,
    FOLLOWERS,
    IDS,
    LIKES,
    LISTED,
    ONWARD,
    POSTS,
    PUBLISHED,
    REACH,
    VIEWS,
    VISITORS,
    VISITS,
    WEB_COUNTS,
    of_comments,
)
from widerview.sandbox.defects.shapes import (
    ANOTHERS_POSTS,
    ANOTHERS_PROFILE,
    ANOTHERS_SITE,
    again_but_different,
    among_posts,
    anothers,
    anothers_likes,
    anothers_log,
    log,
    renamed,
    retired,
    under_new_ids,
    where_split,
    with_paid,
    without_campaigns,
)

DEFECTS: dict[str, Defect] = {
    # A website's numbers.
    "web_in_thousands": Defect("Every count is a thousand times too high.", at(WEB_COUNTS, times(1000))),
    "web_counted_in_thousands": Defect("Every count is told in thousands.", at(WEB_COUNTS, times(1 / 1000))),
    "web_day_missing": Defect("One day is left out.", on_days(WEB_DAYS, day_missing)),
    "web_day_doubled": Defect("One day is counted twice.", on_days(WEB_DAYS, day_times(2))),
    "web_day_twice": Defect(
        "One day comes twice, with different numbers.",
        on_days({route: days for route, days in WEB_DAYS.items() if days.day}, day_twice),
    ),
    "web_days_shifted": Defect(
        "Every day has the numbers of the day before, as under a wrong time zone.", on_days(WEB_DAYS, shifted)
    ),
    "web_day_late": Defect(
        "The last day, long over, has 15 % of its numbers.", on_days(WEB_DAYS, day_times(0.15, number=1))
    ),
    "web_bot_spike": Defect("One day has thirty times its numbers.", on_days(WEB_DAYS, day_times(30))),
    "web_days_ahead": Defect("There is a day that has not begun.", on_days(WEB_DAYS, and_ahead)),
    "web_cached": Defect("The days are those of four weeks before.", on_days(WEB_DAYS, moved_back(28))),
    "web_of_another_site": Defect("The numbers are those of another website.", anothers(ANOTHERS_SITE)),
    "web_all_zero": Defect("Nothing is counted, as where the tracking code is lost.", at(WEB_COUNTS, times(0))),
    "visits_negative": Defect("Visits are negative.", at(VISITS, negative)),
    "visits_as_local_text": Defect("Visits are text with a thousands separator.", at(VISITS, localised)),
    "visits_null": Defect("Visits are null.", at(VISITS, to(None))),
    "visits_fractional": Defect("Visits have halves.", at(VISITS, plus(0.5))),
    "visits_infinite": Defect("Visits are infinite.", at(VISITS, to(math.inf))),
    "visitors_summed": Defect(
        "Unique visitors are those of the week's days together.", where_split(at(VISITORS, times(5)), split=False)
    ),
    "channels_do_not_add_up": Defect(
        "Channels have 40 % more visits than there were.",
        [
            Change("matomo.Referrers.getReferrerType", "*.*.nb_visits", times(1.4)),
            *where_split(at(only(VISITS, "ga4", "plausible"), times(1.4))),
        ],
    ),
    "channels_doubled": Defect(
        "Every channel is listed twice.",
        [Change("matomo.Referrers.getReferrerType", "*", doubled)],
    ),
    "campaigns_gone": Defect(
        "No visit belongs to a campaign any more.",
        [
            Change("matomo.Referrers.getCampaigns", "*", to([])),
            Change("ga4.runReport", "", without_campaigns),
            Change("umami.expanded", "", lambda rows, case: [row for row in rows if "utm_campaign" not in row["name"]]),
        ],
    ),
    "currency_swapped": Defect("Money is in dollars.", [Change("ga4.runReport", "metadata.currencyCode", to("USD"))]),
    "revenue_in_cents": Defect(
        "Money is told in cents.",
        where_split([Change("ga4.runReport", "rows.*.metricValues.7.value", times(100))], split=False),
        where_split([Change("ga4.runReport", "rows.*.metricValues.4.value", times(100))]),
    ),
    "time_zone_swapped": Defect(
        "The days are those of another time zone.",
        [
            Change("ga4.runReport", "metadata.timeZone", to("America/Los_Angeles")),
            Change("plausible.query", "query.date_range.0", lambda text, case: f"{text[:19]}-08:00"),
        ],
    ),
    "search_clicks_above_impressions": Defect(
        "There are more clicks than impressions.",
        [Change("search_console.query", "rows.*", lambda row, case: row | {"clicks": 2 * row["impressions"]})],
    ),
    "log_cut_in_half": Defect("The second half of every log is lost.", log(first_half)),
    "log_of_another_site": Defect("The log is another website's.", log(anothers_log)),
    "log_without_agents": Defect(
        "The log does not say what asked, so that robots count as people.",
        log(lambda lines, case: [line.rpartition(' "')[0] + ' "Mozilla/5.0"' for line in lines]),
    ),
    # A social account: its posts.
    "no_posts": Defect("The list of an active account's posts is empty.", at(LISTED, to([])), at(ONWARD, gone)),
    "listing_truncated": Defect(
        "Half of the posts are not listed, and there is no next page.", at(LISTED, first_half), at(ONWARD, gone)
    ),
    "listing_doubled": Defect("Every post is listed twice.", at(LISTED, doubled)),
    "posts_of_another_account": Defect(
        "The posts are another account's.",
        anothers(ANOTHERS_POSTS),
        [
            Change("x.timeline", "data.*.author_id", another_id),
            Change("youtube.videos", "items.*.snippet.channelId", another_id),
        ],
    ),
    "profile_of_another_account": Defect(
        "The profile is another account's.",
        anothers(ANOTHERS_PROFILE),
        [
            Change("threads.me", "id|username", another_id),
            Change("x.me", "data.id|username", another_id),
            Change("tiktok.business", "data.username", to("harbourradio")),
            Change("pinterest.user_account", "id|username", another_id),
        ],
    ),
    "posts_under_new_ids": Defect(
        "Every post comes once more, under an id of its own.",
        [
            Change("bluesky.getAuthorFeed", "feed", under_new_ids("post.uri")),
            Change("mastodon.statuses", "", under_new_ids("id|uri")),
            Change("x.timeline", "data", under_new_ids("id")),
            Change("pinterest.pins", "items", under_new_ids("id")),
        ],
    ),
    "post_told_twice": Defect("One post comes twice, saying different things.", at(POSTS, again_but_different)),
    "post_id_null": Defect("Posts have no id.", at(IDS, to(None))),
    "posts_of_1970": Defect("All posts are of 1970.", at(PUBLISHED, IN_1970)),
    "posts_in_the_future": Defect(
        "All posts are of the day after tomorrow.",
        at(PUBLISHED, AHEAD),
        [Change("bluesky.getAuthorFeed", "feed.*.post.indexedAt", AHEAD)],
    ),
    "permalinks_empty": Defect(
        "Posts have no address.",
        at(
            {
                "mastodon.statuses": "*.url|uri",
                "instagram.media": "data.*.permalink",
                "tiktok.business_videos": "data.videos.*.share_url",
            },
            to(""),
        ),
    ),
    "key_added": Defect(
        "Every post has a key that was not there before.",
        at(each(POSTS), lambda post, case: post | {"engagement_v2": {"value": 7}}),
    ),
    # A social account: what is counted.
    "likes_of_another_account": Defect(
        "The likes are those of another account's posts.",
        [anothers_likes(route) for route in ("bluesky.getAuthorFeed", "mastodon.statuses", "instagram.media")],
    ),
    "likes_on_the_wrong_posts": Defect("Every post has the likes of the next.", among_posts(rotated, LIKES)),
    "likes_negative": Defect("Likes are negative.", at(LIKES, negative)),
    "likes_in_thousands": Defect("Likes are a thousand times too high.", at(LIKES, times(1000))),
    "likes_halved": Defect("All posts have lost half of their likes.", at(LIKES, times(0.5))),
    "likes_key_gone": Defect("Posts do not tell their likes any more.", at(LIKES, gone)),
    "likes_key_renamed": Defect(
        "What tells the likes has another name.",
        [
            Change("bluesky.getAuthorFeed", "feed.*.post", renamed("likeCount", "likesCount")),
            Change("mastodon.statuses", "*", renamed("favourites_count", "likes_count")),
            Change("x.timeline", "data.*.organic_metrics", renamed("like_count", "likes")),
            Change("tiktok.business_videos", "data.videos.*", renamed("likes", "like_count")),
        ],
    ),
    "likes_as_object": Defect("Likes are an object instead of a number.", at(LIKES, as_object)),
    "views_fell": Defect("All posts have lost nine in ten of their views.", at(VIEWS, times(0.1))),
    "counters_zero": Defect("Everything counted of posts is zero.", at(COUNTERS, times(0))),
    "followers_zero": Defect("There are no followers.", at(FOLLOWERS, times(0))),
    "followers_in_thousands": Defect("Followers are told in thousands.", at(FOLLOWERS, times(1 / 1000))),
    "metric_retired": Defect(
        "The platform has given up a metric, and says so.",
        [
            retired("facebook.insights", "page_video_views"),
            retired("instagram.insights", "reach"),
            retired("threads.insights", "quotes"),
            retired("youtube.reports", "engagedViews"),
            retired("tiktok.business", "daily_new_followers"),
            retired("ga4.runReport", "newUsers"),
        ],
    ),
    "reach_summed": Defect("The reach of a day is that of its week.", at(REACH, times(7))),
    "paid_as_organic": Defect(
        "Views that were paid for are told as the others.",
        [
            Change("facebook.insights", "data.*[name=page_media_view].values", with_paid),
            Change("instagram.insights", "data.*.total_value.breakdowns.*.results.*.dimension_values.*", to("POST")),
        ],
    ),
    "watch_time_in_milliseconds": Defect(
        "The time that films were watched is a thousand times too high.",
        [
            Change("tiktok.business_videos", "data.videos.*.total_time_watched", times(1000)),
            Change("youtube.reports", "rows.*.3", times(1000)),
        ],
    ),
    "account_day_missing": Defect("One day of the account is left out.", on_days(ACCOUNT_DAYS, day_missing)),
    "account_day_twice": Defect(
        "One day of the account comes twice, with different numbers.", on_days(ACCOUNT_DAYS, day_twice)
    ),
    "account_days_shifted": Defect(
        "Every day of the account has the numbers of the day before.", on_days(ACCOUNT_DAYS, shifted)
    ),
    "account_spike": Defect(
        "One day of the account has thirty times its numbers.", on_days(ACCOUNT_DAYS, day_times(30))
    ),
    # A social account: its conversations.
    "comments_in_the_future": Defect(
        "All comments are of the day after tomorrow.",
        at(of_comments(COMMENTED_AT), AHEAD),
        [Change("bluesky.getPostThread", "thread.replies.*.post.indexedAt", AHEAD)],
    ),
    "comments_without_author": Defect("Comments have no author.", at(of_comments(AUTHOR), to(None))),
    # Whatever it is.
    "error_inside": Defect(
        "An error comes with HTTP 200.",
        [Change(route, "", to(error)) for route, error in ERRORS.items()],
    ),
}
"""Every defect there is, by name."""
