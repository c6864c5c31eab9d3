"""Who may see an event of the feed: one rule for live pages, webhooks and whatever else shows the feed."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_, true

from tracker.access.principal import Principal
from tracker.access.queries import units_visible_to
from tracker.access.rules import Permission
from tracker.feed.models import FeedEvent


def events_visible_to(principal: Principal) -> ColumnElement[bool]:
    """True for events of units where the principal may read the feed, and for the nation's own with that right besides.

    The second right is one of its own: what an account may write says nothing of what it may see.
    """
    if principal.is_system:
        return true()
    inside: ColumnElement[bool] = FeedEvent.unit_id.in_(units_visible_to(principal, Permission.FEED_READ))
    if principal.may(Permission.FEED_READ_NATION):
        return or_(inside, FeedEvent.unit_id.is_(None))
    return inside
