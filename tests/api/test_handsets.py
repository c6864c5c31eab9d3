"""A phone's book of steps over HTTP: none missing, none twice, none changed; what is refused waits for a person."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from tests.support.accounts import signed_in
from tests.support.phone import Phone
from tests.support.world import World
from tracker.access.models import RoleGrant
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.access.service import NewAccount, add_account
from tracker.access.tokens import issue_token
from tracker.database.engine import transaction
from tracker.edge.services import Services
from tracker.handsets.models import Handset, HandsetStep
from tracker.handsets.rules import NOTHING, hash_of
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.retention import rules_of
from tracker.sealing.keyring import Keyring
from tracker.settings import RetentionSettings
from tracker.stock.models import StockBalance, StockEvent
from tracker.stock.rules.counting import NEVER_COUNTED
from tracker.stock.rules.vials import vial_id

PLACE = "pkm-cipondoh"


@pytest.fixture
def phone(api: TestClient, app_services: Services, committed_world: World) -> Phone:
    found = Phone(api, signed_in(app_services, committed_world, Role.MANAGER), PLACE, committed_world.now)
    assert found.enrol().status_code == 201
    return found


def of(phone: Phone, services: Services, world: World, role: Role) -> Phone:
    """Another phone, of another account."""
    return Phone(phone.client, signed_in(services, world, role), PLACE, phone.now)


def to_settle(phone: Phone) -> int | None:
    """Of how many conflicts of the place the phone is told, and keeps."""
    told = phone.client.get("/api/v1/handsets/holdings", params={"facility": PLACE}, headers=phone.headers).json()
    (kept,) = kept_of(told)
    found: int | None = kept.get("conflicts")
    return found


def kept_of(*told: dict[str, Any]) -> list[dict[str, Any]]:
    node = Path(sys.executable).with_name("node")
    script = Path(__file__).resolve().parents[1] / "support" / "keep_told.mjs"
    done = subprocess.run(  # our own script, run by the environment's node
        [node, script], input=json.dumps(told), capture_output=True, text=True, check=True, timeout=60
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def lying(services: Services) -> dict[str, int]:
    with transaction(services.engine) as db:
        rows = db.execute(
            select(StockBalance.status, func.sum(StockBalance.vials))
            .where(StockBalance.vials > 0, StockBalance.account == "place")
            .group_by(StockBalance.status)
        )
        return {row[0].value: int(row[1]) for row in rows}


def states(items: list[dict[str, Any]]) -> list[str]:
    return [item["state"] for item in items]


def test_steps_reach_the_ledger_once_however_often_they_are_sent(phone: Phone, app_services: Services) -> None:
    had = lying(app_services).get("usable", 0)
    phone.event("supply", 20)
    phone.event("waste", 3, reason="broken")
    phone.event("count", had + 16)
    assert states(phone.sent(phone.lines[:2])) == ["done", "done"]
    for _ in range(2):
        assert states(phone.sent()) == ["done"] * 3
    assert states(phone.sent(phone.lines[1:])) == ["done"] * 2
    assert lying(app_services)["usable"] == had + 16
    with transaction(app_services.engine) as db:
        told = db.scalars(select(StockEvent.id).where(StockEvent.id.in_(phone.ids))).all()
    assert len(told) == 3
    again = phone.enrol()
    assert again.status_code == 200
    assert (again.json()["last_number"], again.json()["last_hash"]) == (3, phone.lines[-1]["hash"])


def test_a_vial_opened_without_a_network_is_known_before_the_house_told_of_it(phone: Phone) -> None:
    phone.event("supply", 20)
    phone.event("opening", 2)
    opening = UUID(phone.ids[-1])
    vial = str(vial_id(opening, 1))
    at = phone.now.isoformat()
    phone.write("stock.discard", {"open_vial": vial, "occurred_at": at, "reason": "session_end"})
    phone.write("stock.take_back", {"open_vial": vial, "doses": 2, "reason": "salah pindai"})
    assert states(phone.sent()) == ["done"] * 4
    listed = phone.client.get(f"/api/v1/stock/open-vials?facility={PLACE}", headers=phone.headers).json()
    left = {each["id"]: each["remaining"] for each in listed["items"]}
    assert left[vial] == 2
    assert str(vial_id(opening, 0)) in left


def test_an_opening_whose_vials_would_have_the_ids_of_others_is_refused(phone: Phone) -> None:
    phone.event("supply", 20)
    phone.event("opening", 2)
    assert states(phone.sent()) == ["done"] * 2
    body = json.loads(phone.lines[-1]["text"])["body"]
    beside = {**body, "id": str(UUID(int=UUID(body["id"]).int + 1))}
    answer = phone.client.post("/api/v1/stock/events", json=beside, headers=phone.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "stock.other_content")


def test_a_count_by_phone_joins_who_counts_the_place_and_a_large_difference_waits_for_a_second_person(
    phone: Phone, app_services: Services, committed_world: World
) -> None:
    phone.event("supply", 30)
    there = lying(app_services).get("usable", 0) + 30
    line = {"batch": "penta-5/PB001", "vials": there - 10, "reason": "pecah"}

    def counts(one: Phone) -> list[dict[str, Any]]:
        tally = str(uuid7())
        body = {"id": tally, "facility": PLACE, "place": f"{PLACE}-k1", "counted_at": one.now.isoformat()}
        one.write("stock.count", {**body, "lines": [line]}, id=tally)
        return one.sent()

    (_, alone) = counts(phone)
    assert (alone["state"], alone["result_id"]) == ("done", None), alone
    assert lying(app_services)["usable"] == there
    other = of(phone, app_services, committed_world, Role.VACCINATOR)
    other.enrol()
    (second,) = counts(other)
    assert (second["state"], second["result_id"]) == ("done", second["id"])
    assert lying(app_services)["usable"] == there - 10


def test_a_gap_a_changed_step_and_a_taken_id_are_refused_and_nothing_is_taken(
    phone: Phone, app_services: Services
) -> None:
    had = lying(app_services).get("usable", 0)
    first = phone.event("supply", 5)
    phone.event("supply", 6)
    phone.event("supply", 7)
    gap = phone.send(phone.lines[1:])
    assert (gap.status_code, gap.json()["code"], gap.json()["params"]) == (409, "handsets.steps_missing", {"wanted": 1})
    forged = [phone.lines[0], {**phone.lines[1], "text": phone.lines[1]["text"].replace('"vials": 6', '"vials": 600')}]
    assert phone.send(forged).json()["code"] == "handsets.chain_broken"
    assert phone.send([phone.lines[0], phone.lines[2]]).json()["code"] == "handsets.steps_missing"
    assert lying(app_services).get("usable", 0) == had
    assert states(phone.sent()) == ["done"] * 3
    rewritten = json.loads(phone.lines[0]["text"]) | {"kind": "stock.reversal"}
    said = json.dumps(rewritten)
    other = phone.send([{"text": said, "hash": hash_of(NOTHING, said)}])
    assert (other.status_code, other.json()["code"]) == (409, "handsets.chain_broken")
    phone.write("stock.event", {}, id=first)
    assert phone.send(phone.lines[3:]).json()["code"] == "handsets.step_taken"
    assert lying(app_services)["usable"] == had + 18


@pytest.mark.parametrize(
    "words",
    ["[]", "{ ", '{"number": 1}', '"x"', "null", '{"number": true, "id": 1}', "[" * 5000],
)
def test_what_is_no_step_is_refused_with_its_place(phone: Phone, words: str) -> None:
    phone.write_text(words)
    answer = phone.send()
    assert answer.status_code == 422
    assert answer.json()["code"] == "handsets.step_unreadable"
    assert answer.json()["errors"] == [{"line": 0}]


def test_a_step_that_says_two_amounts_under_one_name_is_none(phone: Phone) -> None:
    phone.event("supply", 3)
    text = phone.lines.pop()["text"].replace('"vials": 3', '"vials": 3, "vials": 30')
    phone.write_text(text)
    answer = phone.send()
    assert (answer.status_code, answer.json()["code"]) == (422, "handsets.step_unreadable")


def test_what_the_house_refuses_waits_for_a_person_and_stops_only_what_builds_upon_it(
    phone: Phone, app_services: Services
) -> None:
    had = lying(app_services).get("usable", 0)
    phone.event("supply", 10)
    too_many = phone.event("waste", had + 500, reason="broken")
    child = phone.event("supply", 1, needs=[too_many])
    grandchild = phone.event("supply", 2, needs=[child])
    phone.event("waste", 4, reason="broken")
    phone.write("stock.event", {"id": "x"})
    phone.write("stock.dance", {})
    phone.write(
        "shipment.receipt",
        {"shipment": "no-such", "id": str(uuid7()), "occurred_at": "2026-01-01T00:00:00Z", "lines": []},
    )
    items = phone.sent()
    assert states(items) == ["done", "conflict", "waiting", "waiting", "done", "conflict", "conflict", "conflict"]
    assert [item["code"] for item in items] == [
        None, "stock.history_negative", None, None, None, "handsets.body_wrong", "handsets.kind_unknown",
        "shipments.not_found",
    ]  # fmt: skip
    assert items[1]["message_id"].startswith("Saldo akan menjadi negatif")
    assert items[5]["params"]["fields"]
    assert lying(app_services)["usable"] == had + 6
    waiting = phone.client.get("/api/v1/handsets/conflicts", params={"facility": PLACE}, headers=phone.headers)
    assert [item["number"] for item in waiting.json()["items"]] == [2, 3, 4, 6, 7, 8]
    assert waiting.json()["items"][0]["body"]["lines"][0]["vials"] == had + 500

    assert phone.settle(child, "again").json()["code"] == "handsets.still_waiting"
    assert phone.settle(too_many, "again").json()["code"] == "stock.history_negative"
    assert phone.settle(too_many, "correct").json()["code"] == "handsets.body_needed"
    wrong = phone.settle(too_many, "correct", body={"id": "x"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "handsets.body_wrong")
    body = json.loads(phone.lines[1]["text"])["body"]
    body["lines"][0]["vials"] = 5
    settled = phone.settle(too_many, "correct", body=body)
    assert settled.status_code == 200, settled.text
    assert (settled.json()["state"], settled.json()["way"]) == ("done", "correct")
    assert settled.json()["settled_by"]
    assert lying(app_services)["usable"] == had + 6 - 5 + 3
    assert states(phone.sent())[:5] == ["done"] * 5
    assert phone.settle(too_many, "drop").json()["code"] == "handsets.settled"
    assert phone.settle(grandchild, "drop").json()["code"] == "handsets.settled"


def test_what_built_upon_a_dropped_step_is_a_persons_matter_too(phone: Phone, app_services: Services) -> None:
    had = lying(app_services).get("usable", 0)
    bad = phone.event("waste", had + 500, reason="broken")
    child = phone.event("supply", 1, needs=[bad])
    phone.event("supply", 1, needs=[str(uuid7())])
    assert states(phone.sent()) == ["conflict", "waiting", "conflict"]
    settling = {"id": str(uuid7()), "way": "drop", "reason": "salah ketik"}
    path = f"/api/v1/handsets/steps/{bad}/settle"
    for _ in range(2):
        assert phone.client.post(path, json=settling, headers=phone.headers).json()["state"] == "dropped"
    items = phone.sent()
    assert states(items) == ["dropped", "conflict", "conflict"]
    assert [item["code"] for item in items[1:]] == ["handsets.need_dropped", "handsets.need_unknown"]
    assert phone.settle(child, "again").status_code == 200
    assert lying(app_services)["usable"] == had + 1


def test_rights_are_those_of_whoever_acts(phone: Phone, app_services: Services, committed_world: World) -> None:
    stranger = of(phone, app_services, committed_world, Role.WAREHOUSE)  # of the city's store, not of the puskesmas
    stranger.id, stranger.lines = phone.id, list(phone.lines)
    assert stranger.enrol(facility="kota-tangerang").json()["code"] == "handsets.taken"
    phone.event("supply", 1)
    assert stranger.send(phone.lines).json()["code"] == "handsets.unknown"
    elsewhere = phone.write(
        "stock.event", json.loads(phone.lines[0]["text"])["body"] | {"facility": "kota-tangerang", "id": str(uuid7())}
    )
    items = phone.sent()
    assert states(items) == ["done", "conflict"]
    auditor = of(phone, app_services, committed_world, Role.AUDITOR)
    colleague = of(phone, app_services, committed_world, Role.VACCINATOR)
    assert [to_settle(asks) for asks in (phone, colleague, auditor)] == [1, 1, None]
    listed = auditor.client.get("/api/v1/handsets/conflicts", headers=auditor.headers)
    assert listed.status_code == 200
    assert auditor.settle(elsewhere, "drop").status_code in {403, 404}
    vaccinator = of(phone, app_services, committed_world, Role.VACCINATOR)
    cut = f"/api/v1/handsets/{phone.id}/cut-off"
    assert vaccinator.client.post(cut, json={"reason": "hilang"}, headers=vaccinator.headers).status_code == 403
    assert stranger.client.post(cut, json={"reason": "hilang"}, headers=stranger.headers).status_code == 403


def test_a_phone_that_is_cut_off_is_told_to_forget_and_its_account_is_out(
    phone: Phone, app_services: Services, committed_world: World
) -> None:
    lost = of(phone, app_services, committed_world, Role.VACCINATOR)
    assert lost.enrol().status_code == 201
    lost.event("supply", 1)
    path = f"/api/v1/handsets/{lost.id}/cut-off"
    for _ in range(2):
        assert (
            phone.client.post(path, json={"reason": "tertinggal di angkot"}, headers=phone.headers).status_code == 200
        )
    assert lost.send().status_code == 401, "its token is worth nothing now"
    # It has no log-in any more, and asks all the same whether it is to forget what it holds.
    asked = phone.client.get(path)
    assert (asked.status_code, asked.json()["cut_off"]) == (200, True)
    for other in (phone.id, str(uuid7())):
        assert phone.client.get(f"/api/v1/handsets/{other}/cut-off").json()["cut_off"] is False
    with transaction(app_services.engine) as db:
        db.execute(text("UPDATE account SET tokens_from = NULL"))
    assert (lost.send().status_code, lost.send().json()["code"]) == (403, "handsets.cut_off")
    assert lost.enrol().json()["code"] == "handsets.cut_off"
    # Who finds it again and logs in learns it before the next step is written.
    held = phone.client.get(
        "/api/v1/handsets/holdings", params={"facility": PLACE, "handset": lost.id}, headers=lost.headers
    )
    assert held.json()["code"] == "handsets.cut_off"
    fresh = of(phone, app_services, committed_world, Role.VACCINATOR)
    assert fresh.enrol().status_code == 201, "the person goes on with another phone"


def test_one_account_makes_no_handsets_without_end(phone: Phone, app_services: Services) -> None:
    for _ in range(49):
        assert phone.enrol(id=str(uuid7())).status_code == 201
    assert phone.enrol(id=str(uuid7())).json()["code"] == "handsets.too_many"
    assert phone.enrol().status_code == 200
    with transaction(app_services.engine) as db:  # browsers that forget all when they are closed
        db.execute(text("UPDATE handset SET heard_at = heard_at - interval '31 days' WHERE last_number = 0"))
    assert phone.enrol(id=str(uuid7())).status_code == 201


def test_the_table_itself_proves_the_chain(phone: Phone, app_services: Services) -> None:
    phone.event("supply", 1)
    phone.event("supply", 2)
    phone.sent()
    for change in (
        "text = replace(text, '\"vials\": 2', '\"vials\": 9')",
        "number = 5, previous = 4",
        "before = repeat('1', 64)",
        "state = 'conflict'",
        "settled_at = now()",
    ):
        with pytest.raises(IntegrityError), transaction(app_services.engine) as db:
            db.execute(text(f"UPDATE handset_step SET {change} WHERE number = 2"))
    with pytest.raises(IntegrityError), transaction(app_services.engine) as db:
        db.execute(text("DELETE FROM handset_step WHERE number = 1"))


def test_two_tabs_that_send_at_once_double_nothing(phone: Phone, app_services: Services) -> None:
    had = lying(app_services).get("usable", 0)
    for _ in range(12):
        phone.event("supply", 1)
    with ThreadPoolExecutor(6) as crowd:
        answers = list(crowd.map(lambda upto: phone.send(phone.lines[:upto]), [12, 4, 12, 8, 12, 6]))
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert states(phone.sent()) == ["done"] * 12
    assert lying(app_services)["usable"] == had + 12
    with transaction(app_services.engine) as db:
        assert db.scalar(select(func.count()).select_from(HandsetStep)) == 12


def test_two_people_who_settle_at_once_settle_it_once(phone: Phone, app_services: Services) -> None:
    had = lying(app_services).get("usable", 0)
    bad = phone.event("waste", had + 1, reason="broken")
    assert states(phone.sent()) == ["conflict"]
    phone.event("supply", 5)
    assert states(phone.sent()) == ["conflict", "done"]
    body = json.loads(phone.lines[0]["text"])["body"] | {"occurred_at": (phone.now + timedelta(minutes=1)).isoformat()}
    with ThreadPoolExecutor(4) as crowd:
        answers = list(crowd.map(lambda _: phone.settle(bad, "correct", body=body), range(4)))
    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200, 409, 409, 409]
    assert lying(app_services).get("usable", 0) == had + 5 - (had + 1)


def test_holdings_are_told_whole_and_then_by_difference(phone: Phone, app_services: Services) -> None:
    def told(since: str | None = None) -> dict[str, Any]:
        params = {"facility": PLACE, **({"since": since} if since else {})}
        answer = phone.client.get("/api/v1/handsets/holdings", params=params, headers=phone.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    phone.event("supply", 20)
    phone.sent()
    whole = told()
    assert whole["whole"]
    assert {place["code"] for place in whole["places"]} >= {f"{PLACE}-k1"}
    due = {place["code"]: place["count_due"] for place in whole["places"]}
    assert due[f"{PLACE}-k1"] == NEVER_COUNTED.isoformat()
    assert None in due.values()  # where nothing lies
    k1 = [row for row in whole["stock"] if row["place"] == f"{PLACE}-k1" and row["status"] == "usable"]
    assert sum(row["vials"] for row in k1) >= 20
    same = told(whole["token"])
    assert not same["whole"]
    assert same["token"] == whole["token"]
    assert all(same[name] == [] for name in ("places", "products", "batches", "stock", "shipments", "open_vials"))
    phone.event("opening", 1)
    phone.sent()
    later = told(whole["token"])
    assert [row["vials"] for row in later["stock"]] == [
        row["vials"] - 1 for row in k1 if row["batch"] == later["stock"][0]["batch"]
    ]
    assert len(later["open_vials"]) == 1
    rest = later["stock"][0]["vials"]
    phone.event("waste", rest, reason="broken")
    phone.sent()
    gone = told(later["token"])
    assert gone["gone"]["stock"] == [[f"{PLACE}-k1", later["stock"][0]["batch"], "usable"]]
    # An answer that got lost does no harm: the phone asks again from what it has.
    assert told(later["token"])["gone"] == gone["gone"]
    assert told(str(uuid7()))["whole"]


def test_a_phone_that_takes_stock_in_its_batches_keeps_what_one_of_before_keeps(phone: Phone) -> None:
    phone.event("supply", 20)
    phone.sent()

    def told(since: str | None = None, **more: str) -> dict[str, Any]:
        params = {"facility": PLACE, **({"since": since} if since else {})}
        headers = {**phone.headers, **more}
        found: dict[str, Any] = phone.client.get("/api/v1/handsets/holdings", params=params, headers=headers).json()
        return found

    before, now = told(), told(Prefer="stock-in-batches")
    assert before["stock"]
    assert now["stock"] == []
    kept = [{**one, "as_of": "", "token": ""} for one in kept_of(before, now)]
    assert kept[0] == kept[1]
    phone.event("opening", 1)
    phone.sent()
    # A difference names what changed alone, and not its batch.
    assert told(now["token"], Prefer="stock-in-batches")["stock"]


def test_a_phone_that_only_asks_was_heard(phone: Phone, app_services: Services, committed_world: World) -> None:
    def heard() -> Any:
        with transaction(app_services.engine) as db:
            return db.get_one(Handset, UUID(phone.id)).heard_at

    with transaction(app_services.engine) as db:
        db.execute(text("UPDATE handset SET heard_at = heard_at - interval '3 days'"))
    before = heard()
    other = of(phone, app_services, committed_world, Role.VACCINATOR)
    for one, moved in ((other, False), (phone, True)):
        params = {"facility": PLACE, "handset": phone.id}
        assert one.client.get("/api/v1/handsets/holdings", params=params, headers=one.headers).status_code == 200
        assert (heard() > before) is moved


def test_holdings_of_a_place_out_of_reach_are_not_told(phone: Phone) -> None:
    answer = phone.client.get("/api/v1/handsets/holdings", params={"facility": "biofarma"}, headers=phone.headers)
    assert answer.status_code == 404


@pytest.mark.parametrize("state", ["23514", "P0001", "57014", "XX000"], ids=["check", "raised", "too long", "inner"])
def test_a_fault_of_the_house_in_one_step_does_not_keep_the_rest(
    phone: Phone, app_services: Services, state: str
) -> None:
    plant = f"""
    CREATE FUNCTION planted() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.vials = 13 THEN RAISE EXCEPTION 'planted' USING ERRCODE = '{state}'; END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER planted BEFORE INSERT ON stock_entry FOR EACH ROW EXECUTE FUNCTION planted()
    """
    with transaction(app_services.engine) as db:
        db.execute(text(plant))
    phone.event("supply", 13)
    phone.event("supply", 2)
    items = phone.sent()
    assert states(items) == ["conflict", "done"]
    assert items[0]["code"] == "api.internal"
    with transaction(app_services.engine) as db:
        db.execute(text("DROP TRIGGER planted ON stock_entry; DROP FUNCTION planted()"))
    assert phone.settle(phone.ids[0], "again").json()["state"] == "done"


def test_a_phone_laid_aside_goes_with_its_book_unless_a_step_waits_for_a_person(
    phone: Phone, app_services: Services, committed_world: World
) -> None:
    had = lying(app_services).get("usable", 0)
    phone.event("supply", 2)
    bad = phone.event("waste", had + 500, reason="broken")
    phone.sent()
    used = of(phone, app_services, committed_world, Role.VACCINATOR)
    used.enrol()
    used.event("supply", 1)
    used.sent()
    (rule,) = (one for one in rules_of(RetentionSettings()) if one.what == "phones laid aside")
    assert rule.kept is not None
    now = utc_now() + rule.kept + timedelta(days=1)
    with transaction(app_services.engine) as db:
        db.get_one(Handset, UUID(used.id)).heard_at = now

    def goes() -> int:
        with transaction(app_services.engine) as db:
            return rule.part.next(db, now - rule.kept, None, now=now).how_many if rule.kept else 0

    assert goes() == 0
    assert phone.settle(bad, "drop").status_code == 200
    assert goes() == 1
    with transaction(app_services.engine) as db:
        assert [str(one) for one in db.scalars(select(Handset.id))] == [used.id]
        assert [str(one) for one in db.scalars(select(HandsetStep.handset_id))] == [used.id]
    assert lying(app_services)["usable"] == had + 3, "what they did stays"


def head_of(services: Services, now: datetime, facility: str) -> dict[str, str]:
    """The header of another head of a facility."""
    new = NewAccount(username=f"kepala-{facility}", name="Kepala", password=None, role=Role.MANAGER, unit=facility)
    with transaction(services.engine) as db:
        account = add_account(db, SYSTEM, new, now=now).id
    return {"Authorization": f"Bearer {issue_token(Keyring.of(services.settings), account, now=utc_now(), minutes=5)}"}


def moves(services: Services, world: World) -> None:
    """The head of the one puskesmas is the head of the other from now on."""
    with transaction(services.engine) as db:
        grants = update(RoleGrant).where(RoleGrant.account_id == world.who(Role.MANAGER).account_id)
        db.execute(grants.values(unit_id=world.neighbour.id))


def test_what_a_phone_did_stays_of_the_facility_where_it_was_done_however_late_it_is_sent(
    phone: Phone, app_services: Services, committed_world: World
) -> None:
    old = head_of(app_services, committed_world.now, PLACE)
    new = head_of(app_services, committed_world.now, "pkm-tanah-tinggi")
    refused = phone.event("waste", 500, reason="broken")
    assert states(phone.sent()) == ["conflict"]
    phone.event("supply", 7)  # its body names the facility
    phone.write("shipment.cancel", {"shipment": "X-1", "reason": "salah"}, facility=PLACE)  # its text alone does
    moves(app_services, committed_world)
    moved = phone.enrol(facility="pkm-tanah-tinggi")
    assert (moved.status_code, moved.json()["facility"]) == (201, "pkm-tanah-tinggi")
    assert phone.enrol(facility="pkm-tanah-tinggi").status_code == 200
    phone.write("shipment.cancel", {"shipment": "X-2", "reason": "salah"}, facility="pkm-tanah-tinggi")
    phone.write("shipment.cancel", {"shipment": "X-3", "reason": "salah"})  # of an elder program: at home
    phone.write("shipment.cancel", {"shipment": "X-4", "reason": "salah"}, facility="biofarma")
    items = phone.sent()[1:]
    assert states(items) == ["conflict"] * 5
    assert items[-1]["code"] == "network.facility_not_found"

    def seen(headers: dict[str, str], **asked: str) -> list[int]:
        found = phone.client.get("/api/v1/handsets/conflicts", params=asked, headers=headers).json()["items"]
        return [one["number"] for one in found]

    def told(headers: dict[str, str], facility: str) -> int:
        asked = {"facility": facility}
        answer = phone.client.get("/api/v1/handsets/holdings", params=asked, headers=headers).json()
        return int(answer["conflicts"])

    assert seen(old) == seen(old, facility=PLACE) == [1, 2, 3]
    assert seen(new) == seen(new, facility="pkm-tanah-tinggi") == [4, 5, 6]
    assert (told(old, PLACE), told(new, "pkm-tanah-tinggi")) == (3, 3)
    decided = {"id": str(uuid7()), "way": "drop", "reason": "dicek di rak"}
    url = f"/api/v1/handsets/steps/{refused}/settle"
    assert phone.client.post(url, json=decided, headers=new).status_code == 404
    assert phone.client.post(url, json=decided, headers=old).json()["state"] == "dropped"
    had = lying(app_services).get("usable", 0)
    again = {**decided, "id": str(uuid7()), "way": "again"}
    supplied = phone.client.post(f"/api/v1/handsets/steps/{phone.ids[1]}/settle", json=again, headers=old).json()
    assert (supplied["state"], supplied["facility"]) == ("done", PLACE)
    assert lying(app_services)["usable"] == had + 7
