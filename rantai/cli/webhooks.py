"""`rantai webhook`: what other systems are sent, for help in need. Each acts as the system, on any account's."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from rantai.cli.context import current_settings, unit_of_work
from tracker.access.principal import SYSTEM
from tracker.delivery import upkeep
from tracker.delivery.models import Webhook, WebhookDelivery
from tracker.delivery.secrets import secret_of
from tracker.delivery.service import webhooks_of
from tracker.kit.clock import utc_now
from tracker.sealing.keyring import Keyring

app = typer.Typer()

WebhookId = Annotated[UUID, typer.Argument(help="Its id, from `rantai webhook list`.")]


@app.command("list")
def list_webhooks(username: Annotated[str, typer.Argument(help="Whose account they hear as.")]) -> None:
    """The webhooks of an account: id, address, how they fare."""
    with unit_of_work() as db:
        for webhook in db.scalars(webhooks_of(db, SYSTEM, username).order_by(Webhook.id)):
            print(f"{webhook.id} {webhook.url} ({_fares(webhook)})")


@app.command("deliveries")
def list_deliveries(
    webhook_id: WebhookId, most: Annotated[int, typer.Option(help="How many, the newest first.", min=1, max=200)] = 20
) -> None:
    """The last requests to a webhook: when, how many events, what was answered."""
    with unit_of_work() as db:
        sent = upkeep.deliveries_of(db, SYSTEM, webhook_id).order_by(WebhookDelivery.id.desc()).limit(most)
        for one in db.scalars(sent):
            word = one.error or ("taken" if one.answered_at else "no answer yet")
            print(f"{one.sent_at:%Y-%m-%d %H:%M:%S} {one.events} events after {one.after}: {word}")


@app.command("stop")
def stop(webhook_id: WebhookId) -> None:
    """Send it nothing until it is started again."""
    with unit_of_work() as db:
        print(_fares(upkeep.stop_webhook(db, SYSTEM, webhook_id, now=utc_now())))


@app.command("start")
def start(webhook_id: WebhookId) -> None:
    """Go on, or try again, at once."""
    with unit_of_work() as db:
        print(_fares(upkeep.start_webhook(db, SYSTEM, webhook_id, now=utc_now())))


@app.command("replay")
def replay(
    webhook_id: WebhookId,
    after: Annotated[int, typer.Option(help="A position of the feed; 0: all that is kept.", min=0)],
) -> None:
    """Send all again that comes behind a position."""
    with unit_of_work() as db:
        print(_fares(upkeep.replay_webhook(db, SYSTEM, webhook_id, after, now=utc_now())))


@app.command("secret")
def secret(webhook_id: WebhookId) -> None:
    """Make another secret and print it, once."""
    keyring = Keyring.of(current_settings())
    with unit_of_work() as db:
        print(secret_of(db, keyring, upkeep.renew_secret(db, SYSTEM, webhook_id, keyring=keyring)))


def _fares(webhook: Webhook) -> str:
    if webhook.stopped_at:
        return f"off since {webhook.stopped_at:%Y-%m-%d %H:%M}, at {webhook.position}"
    if webhook.failures:
        return f"failed {webhook.failures} times: {webhook.last_error}, again {webhook.next_at:%Y-%m-%d %H:%M}"
    return f"at {webhook.position}"
