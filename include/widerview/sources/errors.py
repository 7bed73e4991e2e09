"""What can go wrong between us and a platform, by what has to be done about it."""


class SourceError(Exception):
    """A platform refused, failed or answered nonsense; the message says what, where and how to mend it."""


class Unauthorized(SourceError):
    """The token is missing, dead or lacks a right. Trying again is no use; a person must renew it."""


class NotFound(SourceError):
    """The account, site or method does not exist (any more)."""


class RateLimited(SourceError):
    """The platform's rate limit is used up and the wait it asks for is longer than we are willing to hold on."""


class Unavailable(SourceError):
    """The platform is down, slow or unreachable; worth trying again later."""


class BadAnswer(SourceError):
    """The answer is not what the contract promises (an HTML page, an error in HTTP 200, cut JSON)."""


class BudgetSpent(SourceError):
    """The run has used all the calls it may make for this account."""
