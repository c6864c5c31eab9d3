"""`/batch/{id}`: the road of one batch, its exposure, its holds."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import pandas as pd
from fastapi import Request, Response
from sqlalchemy.orm import Session

from dashboard.alarms.holds import hold_list
from dashboard.batch.figures import sankey_figure
from dashboard.batch.flows import WORLD, flows_of
from dashboard.batch.pictures import flow_picture
from dashboard.batch.queries import (
    MOST_ENTRIES,
    area_flows,
    batch_by_text,
    entries_of,
    holders_of,
    is_wide,
    stations_of,
)
from dashboard.frame import labels
from dashboard.frame.choices import Said
from dashboard.frame.figure_answers import figure_answer
from dashboard.frame.frames import rows_of
from dashboard.frame.reasons import reason_text
from dashboard.frame.rendering import page
from dashboard.frame.texts import Texts
from dashboard.frame.viewer import Member, Viewer
from dashboard.recalls.queries import recalls_of_batch
from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.adverse.queries import tally_of_batch
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
MOST_HOLDS = 100
MOST_HOLDERS = 100


@router.get("/batch/{ref:path}/gambar.json")
def sankey_json(ref: str, request: Request, viewer: Member, db: Db) -> Response:
    """The flow of the batch's vials."""
    batch_id = batch_by_text(db, ref).batch.id
    road = _road(db, viewer, batch_id, wide=is_wide(db, viewer.known(), batch_id))
    return figure_answer(request, sankey_figure(road.flows, road.nodes, viewer.texts))


@router.get("/batch/{ref:path}")
def show_batch(
    *,
    ref: str,
    viewer: Member,
    db: Db,
    fasilitas: Said = "",
    semua: bool = False,
    mulai: str = "",
    sesudah: str = "",
) -> Response:
    """One batch by id, product/lot or lot; `fasilitas` chooses whose passport is shown, `semua` shows longer lists.

    `mulai` is where the list of who has it goes on, `sesudah` where that of holds does. Of a batch that moved more often than a page tells, the road is drawn
    by areas and the movements are those of the chosen facility.
    """
    principal = viewer.known()
    facts = batch_by_text(db, ref)
    batch_id = facts.batch.id
    wide = is_wide(db, principal, batch_id)
    held_by = holders_of(db, principal, batch_id, most=MOST_HOLDERS if semua else FIRST["holders"], after=mulai)
    stations, station = stations_of(db, principal, batch_id, fasilitas)
    chosen = station.code if station else ""
    road = _road(db, viewer, batch_id, wide=wide)
    entries = entries_of(db, principal, batch_id, at=chosen) if wide else road.entries
    told = _told(entries, MOST_ENTRIES if semua else FIRST["events"])
    zones = dict(zip(entries["facility_code"], entries["zone"], strict=True))
    held = hold_list(
        db, principal, batch_id=batch_id, after=sesudah, most=MOST_HOLDS if semua or sesudah else FIRST["holds"]
    )
    # Of a long list a phone shows the first; the whole is asked for.
    first = {name: None if semua else count for name, count in FIRST.items()}
    passport = _passport(db, principal, facts.batch, chosen, viewer.now)
    names = road.nodes.set_index("key")["name"].to_dict()
    recalls, recalls_hidden = recalls_of_batch(db, principal, batch_id)
    return page(
        viewer,
        "batch/batch.html",
        charts=True,
        facts=facts,
        picture=flow_picture(road.flows, road.nodes, viewer.texts, title=viewer.texts.gettext("Ke mana vialnya pergi")),
        held_by=held_by,
        whole=semua,
        wide=wide,
        stations=stations,
        home_zone=zones.get(chosen, WESTERN),
        chosen=chosen,
        chosen_name=station.name if station else "",
        recalls=recalls,
        recalls_hidden=recalls_hidden,
        adverse=tally_of_batch(db, principal, batch_id),
        passport=passport,
        stays=passport.stays[: first["stays"]] if passport else [],
        stays_hidden=max(0, len(passport.stays) - (first["stays"] or len(passport.stays))) if passport else 0,
        zones=zones,
        here_path=f"/batch/{batch_id}",
        holds=held,
        older_on_card=len(entries) >= MOST_ENTRIES,
        events=[{**event, "reason": reason_text(event["reason"], viewer.texts)} for event in told.events],
        hidden=told.hidden,
        flows=[
            {**row, "source": names[row["source"]], "target": names[row["target"]]}
            for row in road.flows.to_dict("records")
        ],
        days_left=(facts.batch.expiry - local_day(viewer.now, zones.get(chosen, WESTERN))).days,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Road:
    """Flows between nodes, and the entries they were made of; none where only sums were read."""

    flows: pd.DataFrame
    nodes: pd.DataFrame
    entries: pd.DataFrame


def _road(db: Session, viewer: Viewer, batch_id: UUID, *, wide: bool) -> _Road:
    if not wide:
        entries = entries_of(db, viewer.known(), batch_id)
        flows = flows_of(entries)
        places = entries.assign(key="@" + entries["facility_code"], href="/fasilitas/" + entries["facility_code"])
        places = places.rename(columns={"facility": "name"})
        return _Road(flows=flows, nodes=nodes_of(flows, places, viewer.texts), entries=entries)
    flows, areas = area_flows(db, viewer.known(), batch_id)
    return _Road(flows=flows, nodes=nodes_of(flows, areas, viewer.texts), entries=pd.DataFrame())


def _passport(db: Session, principal: Principal, batch: Batch, facility: str, now: datetime) -> PassportOut | None:
    """The batch's road to one facility; None where it never was."""
    if not facility:
        return None
    place = facility_by_code_or_id(db, principal, facility, Permission.STOCK_READ)
    try:
        return passport_out(db, principal, passport_of(db, batch, place, now=now))
    except NothingThere:
        return None


def nodes_of(flows: pd.DataFrame, places: pd.DataFrame, texts: Texts) -> pd.DataFrame:
    """`key`, `name`, `kind`, `href` of every node the flows touch; `places`: `key`, `name`, `href` of those of ours."""
    known = {row.key: row for row in rows_of(places[["key", "name", "href"]].drop_duplicates("key"))}
    rows: list[dict[str, Any]] = []
    for key in dict.fromkeys([*flows["source"], *flows["target"]]):
        if key in known:
            rows.append({"key": key, "name": known[key].name, "kind": "place", "href": known[key].href})
        else:
            name = texts.gettext(labels.ACCOUNT[key])
            rows.append({"key": key, "name": name, "kind": WORLD.get(key, "transit"), "href": ""})
    return pd.DataFrame(rows, columns=["key", "name", "kind", "href"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """The newest movements, and how many there are besides."""

    events: list[dict[str, Any]]
    hidden: int


def _told(entries: pd.DataFrame, most: int) -> _Told:
    """The newest `most` events for the timeline: what left where, what arrived where, how many."""
    by_event: dict[UUID, list[Any]] = defaultdict(list)
    for entry in rows_of(entries):
        by_event[entry.event].append(entry)
    newest = list(reversed(by_event.values()))
    return _Told(events=[_event(one) for one in newest[:most]], hidden=max(0, len(newest) - most))


def _event(entries: list[Any]) -> dict[str, Any]:
    first = entries[0]
    moved = [one for one in entries if one.vials > 0] or entries
    status = moved[0].status
    return {
        "kind": first.kind,
        "at": first.occurred_at.to_pydatetime(),
        "recorded_at": first.recorded_at.to_pydatetime(),
        "zone": first.zone,
        "facility": first.facility,
        "facility_code": first.facility_code,
        "by": first.by,
        "vials": sum(abs(one.vials) for one in moved),
        "places": [name for name in dict.fromkeys(one.place for one in entries) if isinstance(name, str)],
        "reason": next((one.reason for one in entries if isinstance(one.reason, str)), None),
        "status": status,
        "bad": first.kind in ("waste", "destruction") or status in ("held", "recalled"),
    }
