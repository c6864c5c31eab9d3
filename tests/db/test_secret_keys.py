"""The secret key is replaced while the house lives: everybody is found and nobody twice, before, during and after."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st
from sqlalchemy import Engine, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from rantai.errors import AnswerIsNo
from rantai.house_keys import insist_on_keys
from tests.support.quota import fresh_nik
from tests.support.world import World
from tracker.access.principal import SYSTEM
from tracker.access.rules import Role
from tracker.access.tokens import account_of_token, issue_token
from tracker.database.engine import transaction
from tracker.delivery.models import Webhook
from tracker.delivery.secrets import secret_of
from tracker.delivery.service import NewWebhook, add_webhook
from tracker.events import KINDS
from tracker.kit.clock import utc_now
from tracker.kit.ids import uuid7
from tracker.people.correcting import ChangePerson, CorrectNik, change_person, correct_nik, join_records
from tracker.people.errors import NikTaken, OtherPerson
from tracker.people.models import Person, PersonRecord
from tracker.people.queries import person_by_nik
from tracker.people.rules.nik import Sex
from tracker.people.rules.words import Identity, WithoutNik
from tracker.people.service import NewPerson, register_person
from tracker.people.vault import NikVault
from tracker.registration.service.tickets import TicketOffice
from tracker.resealed import KEPT, check_keys, still_out
from tracker.sealing.errors import KeyNotHeld
from tracker.sealing.keyring import Keyring
from tracker.sealing.service import (
    key_to_write,
    keyring_in_use,
    keys_known,
    missing_keys,
    processes_without,
    reseal_next,
    shown_by,
    take_into_use,
)
from tracker.settings import load_settings

OLD, NEW = "the-former-secret-key-of-32-characters", "the-following-secret-key-of-32-letters"
BOTH = Keyring((OLD, NEW))
FORMER, LATTER, EITHER = NikVault(Keyring((OLD,))), NikVault(Keyring((NEW,))), NikVault(BOTH)
# Of two processes one was given the new key as its first, the other as its second.
TURNED = NikVault(Keyring((NEW, OLD)))


def register(db: Session, nik: str | None, vault: NikVault = FORMER, **more: object) -> Person:
    command = NewPerson(**{"id": uuid7(), "nik": nik, "name": "Budi", **more})  # type: ignore[arg-type]  # test data
    return register_person(db, SYSTEM, command, vault=vault, now=utc_now()).person


def reseal_all(db: Session, ring: Keyring = BOTH, *, most: int = 2) -> int:
    steps = 1
    while reseal_next(db, ring, KEPT, now=utc_now(), most=most):
        steps += 1
    return steps


def found(db: Session, nik: str, vault: NikVault = EITHER) -> UUID | None:
    person = person_by_nik(db, nik, vault=vault, now=utc_now())
    return None if person is None else person.id


def test_everybody_is_found_before_during_and_after_by_one_key_alone(db: Session) -> None:
    numbers = [fresh_nik() for _ in range(5)]
    people = {nik: register(db, nik).id for nik in numbers}
    take_into_use(db, BOTH, NEW, now=utc_now())
    during = fresh_nik()
    people[during] = register(db, during, TURNED).id
    more = True
    while more:
        assert {nik: found(db, nik) for nik in people} == people
        with pytest.raises(NikTaken):
            register(db, numbers[-1], EITHER)
        more = reseal_next(db, BOTH, KEPT, now=utc_now(), most=2)
    assert {nik: found(db, nik, LATTER) for nik in people} == people
    for nik, person in people.items():
        row = db.get_one(Person, person)
        assert LATTER.open(row.nik_cipher or b"", person) == nik
        with pytest.raises(InvalidTag):
            FORMER.open(row.nik_cipher or b"", person)
    assert [row.released_at is None for row in keys_known(db)] == [True, False]
    assert missing_keys(db, LATTER.keyring) == []


def test_it_begins_where_it_was_stopped_and_done_again_it_changes_nothing(db: Session) -> None:
    for _ in range(5):
        register(db, fresh_nik())
    take_into_use(db, BOTH, NEW, now=utc_now())
    assert reseal_next(db, BOTH, KEPT, now=utc_now(), most=2)
    take_into_use(db, BOTH, NEW, now=utc_now())
    reseal_all(db)
    counts = text("SELECT looked_at, changed FROM resealing WHERE what = 'persons'")
    assert tuple(db.execute(counts).one()) == (5, 5)
    before = db.execute(text("SELECT array_agg(nik_cipher ORDER BY id) FROM person")).scalar_one()
    assert not reseal_next(db, BOTH, KEPT, now=utc_now())
    assert db.execute(text("SELECT array_agg(nik_cipher ORDER BY id) FROM person")).scalar_one() == before


def test_a_repeat_is_a_repeat_under_either_key_and_who_was_changed_is_compared_as_they_stand(db: Session) -> None:
    same, changed, bare = uuid7(), uuid7(), uuid7()
    first, second = fresh_nik(), fresh_nik()
    register(db, first, id=same)
    register(db, second, id=changed, phone="081234567890")
    bare_data = {"id": bare, "without_nik": WithoutNik.INFANT, "birth_date": utc_now().date(), "sex": Sex.FEMALE}
    register(db, None, FORMER, **bare_data)
    change_person(db, SYSTEM, ChangePerson(person_id=changed, changes={"name": "Budiman"}), now=utc_now())
    take_into_use(db, BOTH, NEW, now=utc_now())
    register(db, second, EITHER, id=changed, phone="081234567890")
    reseal_all(db)
    register(db, first, LATTER, id=same)
    register(db, None, LATTER, **bare_data)
    register(db, second, LATTER, id=changed, name="Budiman", phone="081234567890")
    with pytest.raises(OtherPerson):
        register(db, second, LATTER, id=changed, phone="081234567890")


def test_the_database_refuses_a_number_under_a_key_that_is_not_in_use(db: Session) -> None:
    person = register(db, fresh_nik()).id
    take_into_use(db, BOTH, NEW, now=utc_now())
    with pytest.raises(IntegrityError), db.begin_nested():
        db.execute(update(Person).where(Person.id == person).values(nik_hash=b"x" * 32))
    with pytest.raises(KeyNotHeld):
        register(db, fresh_nik(), FORMER)


def test_corrections_and_merges_work_across_the_keys(db: Session) -> None:
    wrong, right, taken = fresh_nik(), fresh_nik(), fresh_nik()
    person = register(db, wrong).id
    other = register(db, taken).id
    claimed = register(db, taken, claimed=True).id
    take_into_use(db, BOTH, NEW, now=utc_now())
    with pytest.raises(NikTaken):
        command = CorrectNik(person_id=person, nik=taken, reason="salah")
        correct_nik(db, SYSTEM, command, vault=EITHER, now=utc_now())
    command = CorrectNik(person_id=person, nik=right, reason="salah")
    correct_nik(db, SYSTEM, command, vault=EITHER, now=utc_now())
    record = db.query(PersonRecord).filter(PersonRecord.person_id == person).one()
    assert FORMER.open(record.nik_cipher or b"", person) == wrong
    assert db.get_one(Person, claimed).identity is Identity.CLAIMED
    join_records(db, SYSTEM, claimed, other, "satu orang", vault=EITHER, now=utc_now())
    assert found(db, taken) == claimed
    reseal_all(db)
    assert LATTER.open(record.nik_cipher or b"", person) == wrong
    assert (found(db, right, LATTER), found(db, taken, LATTER)) == (person, claimed)


def test_a_webhooks_secret_stays_the_same_also_one_of_an_earlier_version(db: Session, world: World) -> None:
    def add() -> Webhook:
        command = NewWebhook(url="https://jaki.example.id/hook")
        who = world.who(Role.CITY)
        return add_webhook(db, who, command, known=KINDS, private_allowed=False, keyring=FORMER.keyring, now=utc_now())

    new, early = add(), add()
    early.secret_cipher = early.secret_key = None
    told = [secret_of(db, FORMER.keyring, hook) for hook in (new, early)]
    assert told[1] == FORMER.keyring.derived(f"webhook {early.id}")[0].hex()
    take_into_use(db, BOTH, NEW, now=utc_now())
    assert [secret_of(db, BOTH, hook) for hook in (new, early)] == told
    reseal_all(db)
    assert [secret_of(db, LATTER.keyring, hook) for hook in (new, early)] == told


def test_tickets_and_tokens_that_are_out_are_good_while_the_former_key_is_held(db: Session) -> None:
    key_to_write(db, FORMER.keyring)
    before = TicketOffice.of(keyring_in_use(db, BOTH))
    booking, now = uuid7(), utc_now()
    secret, code = before.sealed(booking, 3), before.code_of(booking)
    token = issue_token(keyring_in_use(db, BOTH), booking, now=now, minutes=60)
    take_into_use(db, BOTH, NEW, now=now)
    after = TicketOffice.of(keyring_in_use(db, BOTH))
    assert after.unsealed(secret) == (booking, 3)
    assert after.sealed(booking, 3) == TicketOffice.from_secret(NEW).sealed(booking, 3)
    assert code in after.codes_of(booking)
    assert account_of_token(BOTH, token, now=now) == (booking, now)
    assert account_of_token(LATTER.keyring, token, now=now) is None
    former = keys_known(db)[1]
    assert [one.what for one in still_out(db, former, token_minutes=60, answers_days=7, now=now)] == [
        "tokens",
        "codes for lost tickets",
        "answers kept for repeats",
    ]
    assert still_out(db, former, token_minutes=60, answers_days=7, now=now + timedelta(days=8)) == []


def test_a_program_with_a_wrong_key_does_not_start(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANTAI_DATABASE_URL", "postgresql://nowhere/nothing")
    right, wrong = load_settings(secret_key=OLD), load_settings(secret_key=NEW)
    with transaction(engine) as db:
        register(db, fresh_nik())
        # As an earlier version left it: numbers, and no key that is known by its fingerprint.
        db.execute(text("DELETE FROM secret_key"))
    with pytest.raises(AnswerIsNo, match="secret key 1"):
        insist_on_keys(engine, wrong)
    insist_on_keys(engine, right)
    with pytest.raises(AnswerIsNo, match="RANTAI_OTHER_SECRET_KEYS"):
        insist_on_keys(engine, wrong)
    insist_on_keys(engine, load_settings(secret_key=NEW, other_secret_keys=OLD))
    with transaction(engine) as db:
        take_into_use(db, BOTH, NEW, now=utc_now())
    for lacking in (right, wrong):
        with pytest.raises(AnswerIsNo):
            insist_on_keys(engine, lacking)


def test_who_lacks_the_new_key_is_seen(engine: Engine) -> None:
    with engine.connect() as other:
        for ring, lacking in ((FORMER.keyring, 1), (BOTH, 0)):
            name = {"name": shown_by("rantai-api", ring)}
            other.execute(text("SELECT set_config('application_name', :name, false)"), name)
            with transaction(engine) as db:
                assert len(processes_without(db, NEW)) == lacking


@given(
    st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=8), st.integers(0, 7), st.integers(1, 3)
)
@how(max_examples=15)
def test_nobody_is_there_twice_whoever_registers_when(
    savepoint_engine: Engine, arrivals: list[tuple[int, bool]], switch: int, most: int
) -> None:
    """Four people come again and again to two processes that hold the keys in different orders, while numbers are sealed anew."""
    numbers = [fresh_nik() for _ in range(4)]
    registered: dict[str, UUID] = {}
    with savepoint_engine.connect() as connection, Session(connection) as db:
        for step, (who, turned) in enumerate(arrivals):
            key_to_write(db, BOTH)
            if step == switch:
                take_into_use(db, BOTH, NEW, now=utc_now())
            nik, vault = numbers[who], NikVault(BOTH if turned else TURNED.keyring) if step >= switch else EITHER
            if nik in registered:
                with pytest.raises(NikTaken):
                    register(db, nik, vault)
            else:
                registered[nik] = register(db, nik, vault).id
            if step >= switch:
                reseal_next(db, BOTH, KEPT, now=utc_now(), most=most)
            assert {each: found(db, each) for each in registered} == registered
        take_into_use(db, BOTH, NEW, now=utc_now())
        reseal_all(db)
        assert {each: found(db, each, LATTER) for each in registered} == registered
        check_keys(db, LATTER.keyring)
        db.rollback()


def test_two_processes_register_the_same_people_while_the_key_is_replaced(engine: Engine) -> None:
    numbers = [fresh_nik() for _ in range(30)]
    with transaction(engine) as db:
        for nik in numbers[:10]:
            register(db, nik)

    def come(vault: NikVault) -> int:
        registered = 0
        for nik in numbers:
            try:
                with transaction(engine) as db:
                    register(db, nik, vault)
                registered += 1
            except NikTaken:
                pass
        return registered

    def rotate() -> None:
        with transaction(engine) as db:
            take_into_use(db, BOTH, NEW, now=utc_now())
        more = True
        while more:
            with transaction(engine) as db:
                more = reseal_next(db, BOTH, KEPT, now=utc_now(), most=3)

    with ThreadPoolExecutor(5) as at_once:
        desks = [at_once.submit(come, vault) for vault in (EITHER, TURNED, EITHER, TURNED)]
        rotation = at_once.submit(rotate)
        assert sum(desk.result() for desk in desks) == 20
        rotation.result()
    rotate()
    with transaction(engine) as db:
        assert len({found(db, nik, LATTER) for nik in numbers} - {None}) == 30
        assert db.scalar(text("SELECT count(*) FROM person")) == 30


def secrets_command(engine: Engine, *words: str, keys: Sequence[str]) -> subprocess.Popen[str]:
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    environment = {
        "RANTAI_DATABASE_URL": url,
        "RANTAI_SECRET_KEY": keys[0],
        "RANTAI_OTHER_SECRET_KEYS": "\n".join(keys[1:]),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "rantai", "secrets", *words], env=environment, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.STDOUT,
    )  # fmt: skip


def test_the_command_may_be_killed_and_repeated_and_says_what_the_former_key_is_needed_for(engine: Engine) -> None:
    numbers = [fresh_nik() for _ in range(300)]
    with transaction(engine) as db:
        for nik in numbers:
            register(db, nik)
    killed = secrets_command(engine, "rotate", "--chunk", "1", keys=(OLD, NEW))
    resealed = text("SELECT count(*) FROM person WHERE nik_key = 2")
    done = 0
    deadline = time.monotonic() + 60
    while not done and killed.poll() is None and time.monotonic() < deadline:
        with transaction(engine) as db:
            done = db.scalar(resealed) or 0
    killed.kill()
    killed.communicate()
    with transaction(engine) as db:
        done = db.scalar(resealed) or 0
        assert 0 < done < 300
        assert all(found(db, nik, NikVault.from_secret(OLD, NEW)) for nik in numbers)
    again = secrets_command(engine, "rotate", keys=(OLD, NEW))
    said, _ = again.communicate(timeout=60)
    assert again.returncode == 0, said
    assert "300 looked at, 300 sealed anew, done" in said
    assert "answers kept for repeats until" in said
    with transaction(engine) as db:
        assert all(found(db, nik, NikVault.from_secret(NEW)) for nik in numbers)
    wrong = secrets_command(engine, "rotate", keys=(OLD,))
    said, _ = wrong.communicate(timeout=60)
    assert (wrong.returncode, "secret key number 2" in said) == (1, True), said
