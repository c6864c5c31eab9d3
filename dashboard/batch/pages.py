"""`/batch/{id}`: the road of one batch, its exposure, its holds."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
from fastapi import Request, Response
from sqlalchemy.orm import Session

from dashboard.alarms.holds import holds
from dashboard.batch.figures import sankey_figure
from dashboard.batch.flows import WORLD, flows_of
from dashboard.batch.pictures import flow_picture
from dashboard.batch.queries import batch_by_text, entries_of, holders_of
from dashboard.frame import labels
from dashboard.frame.figure_answers import figure_answer
from dashboard.frame.rendering import page
from dashboard.frame.texts import Texts
from dashboard.frame.viewer import Member
from dashboard.recalls.queries import recalls_of_batch
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Batch
from tracker.edge.deps import Db
from tracker.edge.hop import Router
from tracker.kit.days import WESTERN, local_day
from tracker.network.queries import facility_by_code_or_id
from tracker.passport.errors import NothingThere
from tracker.passport.presenting import passport_out
from tracker.passport.queries.passport import passport_of
from tracker.passport.schemas import PassportOut

router = Router(include_in_schema=False)

FIRST = {"events": 4, "holders": 4, "holds": 3, "stays": 3}
MOST_EVENTS = 500
MOST_HOLDS = 200


@router.get("/batch/{ref:path}/gambar.json")
def sankey_json(ref: str, request: Request, viewer: Member, db: Db) -> Response:
    """The flow of the batch's vials."""
    facts = batch_by_text(db, ref)
    entries = entries_of(db, viewer.known(), facts.batch.id)
    flows = flows_of(entries)
    return figure_answer(request, sankey_figure(flows, nodes_of(flows, entries, viewer.texts), viewer.texts))


@router.get("/batch/{ref:path}")
def show_batch(ref: str, viewer: Member, db: Db, fasilitas: str = "", semua: bool = False) -> Response:
    """One batch by id, product/lot or lot; `fasilitas` chooses whose passport is shown, `semua` shows whole lists."""
    principal = viewer.known()
    facts = batch_by_text(db, ref)
    entries = entries_of(db, principal, facts.batch.id)
    flows = flows_of(entries)
    nodes = nodes_of(flows, entries, viewer.texts)
    names = nodes.set_index("key")["name"].to_dict()
    events = events_of(entries)
    holders = holders_of(db, principal, facts.batch.id)
    stations = {holder.facility_code: holder.facility for holder in holders if holder.facility_code}
    zones = dict(zip(entries["facility_code"], entries["zone"], strict=True))
    held = holds(db, principal, batch_id=facts.batch.id, limit=MOST_HOLDS)
    # Of a long list a phone shows the first; the whole is asked for.
    first = {name: None if semua else count for name, count in FIRST.items()}
    chosen = fasilitas if fasilitas in stations else next(iter(stations), "")
    passport = _passport(db, principal, facts.batch, chosen, viewer.now)
    return page(
        viewer,
        "batch/batch.html",
        charts=True,
        facts=facts,
        picture=flow_picture(flows, nodes, viewer.texts, title=viewer.texts.gettext("Ke mana vialnya pergi")),
        holders=holders,
        stations=[(code, name, code == chosen) for code, name in stations.items()],
        home_zone=zones.get(chosen, WESTERN),
        chosen=chosen,
        recalls=recalls_of_batch(db, principal, facts.batch.id),
        passport=passport,
        stays=passport.stays[: first["stays"]] if passport else [],
        stays_hidden=max(0, len(passport.stays) - (first["stays"] or len(passport.stays))) if passport else 0,
        zones=zones,
        here_path=f"/batch/{facts.batch.id}",
        holds=held[: first["holds"]],
        holds_hidden=max(0, len(held) - (first["holds"] or len(held))),
        holders_shown=holders[: first["holders"]],
        events=[
            {**event, "reason": reason_text(event["reason"], viewer.texts)}
            for event in events[: first["events"] or MOST_EVENTS]
        ],
        hidden=max(0, len(events) - (first["events"] or MOST_EVENTS)),
        flows=[
            {**row, "source": names[row["source"]], "target": names[row["target"]]} for row in flows.to_dict("records")
        ],
        days_left=(facts.batch.expiry - local_day(viewer.now, zones.get(chosen, WESTERN))).days,
    )


def _passport(db: Session, principal: Principal, batch: Batch, facility: str, now: datetime) -> PassportOut | None:
    """The batch's road to one facility; None where it never was."""
    if not facility:
        return None
    place = facility_by_code_or_id(db, principal, facility, Permission.STOCK_READ)
    try:
        return passport_out(db, principal, passport_of(db, batch, place, now=now))
    except NothingThere:
        return None


def nodes_of(flows: pd.DataFrame, entries: pd.DataFrame, texts: Texts) -> pd.DataFrame:
    """`key`, `name`, `kind`, `href` of every node the flows touch."""
    names = dict(zip(entries["facility_code"], entries["facility"], strict=True)) if not entries.empty else {}
    rows: list[dict[str, Any]] = []
    for key in dict.fromkeys([*flows["source"], *flows["target"]]):
        if key.startswith("@"):
            code = key[1:]
            rows.append({"key": key, "name": names[code], "kind": "place", "href": f"/fasilitas/{code}"})
        else:
            name = texts.gettext(labels.ACCOUNT[key])
            rows.append({"key": key, "name": name, "kind": WORLD.get(key, "transit"), "href": ""})
    return pd.DataFrame(rows, columns=["key", "name", "kind", "href"])


def events_of(entries: pd.DataFrame) -> list[dict[str, Any]]:
    """Events for the timeline, newest first: what left where, what arrived where, how many."""
    found = []
    for _, event in entries.groupby("event", sort=False):
        first = event.iloc[0]
        moved = event[event["vials"] > 0] if (event["vials"] > 0).any() else event
        found.append(
            {
                "kind": first["kind"],
                "at": first["occurred_at"].to_pydatetime(),
                "recorded_at": first["recorded_at"].to_pydatetime(),
                "zone": first["zone"],
                "facility": first["facility"],
                "facility_code": first["facility_code"],
                "by": first["by"],
                "vials": int(moved["vials"].abs().sum()),
                "places": [name for name in dict.fromkeys(event["place"]) if isinstance(name, str)],
                "reason": next((reason for reason in event["reason"] if isinstance(reason, str)), None),
                "status": moved.iloc[0]["status"],
                "bad": first["kind"] in ("waste", "destruction") or moved.iloc[0]["status"] in ("held", "recalled"),
            }
        )
    return found[::-1]


def reason_text(reason: str | None, texts: Texts) -> str | None:
    """Words for a reason: a code of waste or of a receipt, `hold:RULE`, `released:hold`, or a person's own text."""
    if reason is None or reason in labels.STOCK_EVENT:  # the kind of the event says it already
        return None
    before, _, after = reason.partition(":")
    if before == "hold":
        return texts.gettext("alarm: %(rule)s", rule=texts.gettext(labels.RULE.get(after, after)))
    if after == "hold":
        return texts.gettext(labels.HOLD_STATE.get(before, before))
    word = labels.WASTE_REASON.get(reason) or labels.DIFFERENCE.get(reason)
    return texts.gettext(word) if word else reason
