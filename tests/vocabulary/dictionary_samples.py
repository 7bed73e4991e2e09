"""Dictionaries of fictional platforms, with a change of definition as real platforms make them."""

from widerview.vocabulary.dictionaries import load_dictionary

CLIPS = b"""\
source: clips
post:
  video_views:
    - version: 1
      valid_to: 2026-08-23
      native_metric: views
      meaning: Plays that went on past the first seconds.
      documented_at: https://clips.example/docs/2025
    - version: 2
      valid_from: 2026-08-24
      native_metric: views
      meaning: Plays, from the first frame.
      documented_at: https://clips.example/docs/2026
  likes:
    - version: 1
      native_metric: thumbs
      meaning: Thumbs up.
      documented_at: https://clips.example/docs/2025
  impressions:
    - version: 1
      valid_from: 2020-01-01
      valid_to: 2025-11-14
      native_metric: impressions
      meaning: Times on a screen; ended for good.
      documented_at: https://clips.example/docs/2025
account_day:
  video_views:
    - version: 1
      valid_to: 2026-09-30
      native_metric: channel_views
      meaning: Plays of all videos of the channel.
      documented_at: https://clips.example/docs/2025
    - version: 2
      valid_from: 2026-10-01
      native_metric: channel_views
      meaning: Plays of all videos of the channel, from the first frame.
      documented_at: https://clips.example/docs/2026
"""

ADS = b"""\
source: ads
post:
  likes:
    - version: 1
      native_metric: like
      placement: paid
      meaning: Likes of the ad.
      documented_at: https://ads.example/docs
  impressions:
    - version: 1
      native_metric: impressions
      placement: paid
      meaning: Times the ad was on a screen.
      documented_at: https://ads.example/docs
  video_views:
    - version: 1
      native_metric: video_3s
      meaning: Plays of three seconds.
      documented_at: https://ads.example/docs
"""

clips = load_dictionary(CLIPS)
ads = load_dictionary(ADS)
