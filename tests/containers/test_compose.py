"""The house in containers as docker-compose.yml makes it: brought up from the version before, killed, taken down and back.

`make test-containers` runs this: it has an engine, Compose and the images.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rantai.world.people import PEOPLE
from tests.support.compose import Project, run
from tests.support.running import ROOT
from tests.support.waiting import eventually

pytestmark = pytest.mark.containers
PATIENT_S = 600
DEMO = {
    "COMPOSE_PROFILES": "demo",
    "RANTAI_DELIVERY__SMS_URL": "http://gateway:13013/cgi-bin/sendsms",
    "RANTAI_DELIVERY__SMS_USERNAME": "rantai",
    "RANTAI_DELIVERY__SMS_PASSWORD": "of-the-simulated-gateway",
}
TABLES = ("facility", "account", "person", "batch", "stock_entry", "reading")
# Signs that an address could not hold, and one that Compose itself reads in its files.
ODD = "p@ss/w:rd?#%41$HOME"


def git(*words: str) -> str:
    """What git says; nothing where it knows no such thing."""
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout


def heads_at(commit: str) -> set[str]:
    """The newest revisions that a commit has; on its way a branch may have had two."""
    lines = git("grep", "-hE", "^(down_)?revision\\b.* = ", commit, "--", "alembic/versions")
    told = re.findall(r'^(down_)?revision\b.* = "(\w+)"', lines, re.MULTILINE)
    return {name for below, name in told if not below} - {name for below, name in told if below}


def the_version_before(folder: Path) -> bool:
    """The newest checkout with an older schema; False where the history is not here."""
    now = heads_at("HEAD")
    for commit in git("log", "--format=%H", "--", "alembic/versions").split():
        if len(heads_at(commit)) == 1 and heads_at(commit) != now:
            archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True)
            subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
            print(f"the version before is {commit[:7]} with {heads_at(commit)}")
            return True
    return False


def stored(house: Project) -> dict[str, int]:
    return {table: house.count(table) for table in TABLES}


def ready(house: Project) -> None:
    eventually(lambda: house.get("/readyz")[0] == 200, timeout_s=PATIENT_S, every_s=1, what="the house is ready")


def people_told(house: Project) -> bool:
    """Whether the simulated gateway took a message."""
    return re.search(r"<p>[1-9]\d* pesan diterima", house.get("/", house.sms)[1]) is not None


def passwords(house: Project) -> dict[str, str]:
    """The log-ins that the story shows."""
    pattern = re.compile(r"(\S+)\s+/ (\S+)\s+\w+, ")
    eventually(
        lambda: "Times are WIB" in house("logs", "story"), timeout_s=PATIENT_S, every_s=2, what="the story begins"
    )
    return dict(pattern.findall(house("logs", "story")))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The demo, begun with the version before and brought up to date with its data in it."""
    house = Project(tmp_path_factory.mktemp("compose"), **DEMO)
    before = tmp_path_factory.mktemp("before")
    try:
        if the_version_before(before):
            run("bash", "deploy/stand-ins/images.sh", str(before), environment={"HOUSE": "rantai:before"})
            house.takes(before, image="rantai:before")
            house("up", "--detach")
            eventually(lambda: house.count("reading") > 0, timeout_s=PATIENT_S, every_s=2, what="the world before")
            # Of whom the version before told, its gateway knows, which goes with it; nobody tells anybody meanwhile.
            house("stop", "worker")
            house.people_told = people_told(house)
            told, old = stored(house), house.sql("SELECT version_num FROM alembic_version")
            house.takes(ROOT)
            house.settings["INGEST_PASSWORD"] = ODD
            house("up", "--detach", "--remove-orphans")
            assert house.sql("SELECT version_num FROM alembic_version") > old
            assert all(now >= told[table] for table, now in stored(house).items())
        else:
            print("no upgrade: the history of this checkout does not reach back to the version before")
            house("up", "--detach")
        ready(house)
        yield house
    finally:
        print(house("logs", "--tail", "30"))
        house.forget()


def test_everybody_whom_the_story_shows_is_let_in(house: Project) -> None:
    shown = passwords(house)
    assert shown.keys() == {person.username for person in PEOPLE if person.shown}
    assert house.lets_in("kota", shown["kota"])
    assert not house.lets_in("kota", shown["kota"] + "x")


def test_the_story_happens_and_people_are_told(house: Project) -> None:
    # The fridge's fever may have been told of before the upgrade: the feed knows, the terminal tells what came since.
    kinds = "('coldchain.alarm_raised', 'passport.held', 'quota.displaced')"
    asked = (
        f"SELECT count(DISTINCT kind) FROM feed_event WHERE kind IN {kinds} "
        f"AND recorded_at > '{house.began:%Y-%m-%d %H:%M:%S+00}'"
    )
    eventually(lambda: house.sql(asked) == "3", timeout_s=PATIENT_S, every_s=3, what="alarm, hold and displacement")
    told = re.compile(r"\d\d:\d\d:\d\d  \S")
    eventually(lambda: told.search(house("logs", "story")), timeout_s=PATIENT_S, every_s=3, what="the terminal tells")
    eventually(lambda: house.people_told or people_told(house), timeout_s=PATIENT_S, every_s=3, what="people are told")


@pytest.mark.parametrize("service", ["postgres", "broker", "broker-users", "api", "ingest", "worker"])
def test_a_service_that_is_killed_comes_back_and_readings_flow(house: Project, service: str) -> None:
    house("kill", service)
    assert house.inspect(service, "{{.State.ExitCode}}") == "137"
    house("start", service)
    ready(house)
    before = house.count("reading")
    eventually(lambda: house.count("reading") > before, timeout_s=PATIENT_S, every_s=1, what="readings flow")


def test_the_first_process_of_a_container_hears_that_it_is_to_end(house: Project) -> None:
    house("stop", "--timeout", "60", "broker-users", "story")
    assert house.inspect("broker-users", "{{.State.ExitCode}}") == "0"
    assert house.inspect("story", "{{.State.ExitCode}}") == "0"
    house("start", "broker-users", "story")


def test_down_leaves_nothing_running_and_up_finds_the_data(house: Project) -> None:
    shown, told = passwords(house), stored(house)
    house("down")
    assert house.containers == []
    house("up", "--detach")
    ready(house)
    assert all(now >= told[table] for table, now in stored(house).items())
    assert house.lets_in("kota", shown["kota"])


def test_commands_are_given_inside(house: Project) -> None:
    assert house("exec", "-T", "api", "rantai", "--version") == "rantai 0.1.0\n"
    assert "equals the models" in house("exec", "-T", "api", "rantai", "db", "check")


@pytest.fixture(scope="module")
def new_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """One without a demo, whose log of the database is taken."""
    house = Project(tmp_path_factory.mktemp("new"), POSTGRES_PASSWORD=ODD, COMPOSE_PROFILES="backup")
    try:
        house("up", "--detach")
        unit = ("unit", "add", "kemenkes", "--name", "Kementerian Kesehatan", "--kind", "national")
        house("exec", "-T", "api", "rantai", *unit)
        yield house
    finally:
        print(house("logs", "--tail", "30"))
        house.forget()


def new_account(house: Project, name: str) -> str:
    """Its password."""
    made = house("exec", "-T", "api", "rantai", "user", "add", name, "--role", "national", "--unit", "kemenkes")
    return made.rpartition("password: ")[2].strip()


def accounts(house: Project) -> set[str]:
    return set(house.sql("SELECT username FROM account").split())


def test_a_new_house_takes_any_password_and_its_first_account_is_made_inside(new_house: Project) -> None:
    catalog = f"{ROOT}/deploy/catalog.json:/catalog.json:ro"
    new_house("run", "--rm", "--volume", catalog, "api", "catalog", "import", "/catalog.json")
    password = new_account(new_house, "rina")
    ready(new_house)
    assert new_house.lets_in("rina", password)


def back_up(house: Project) -> None:
    eventually(
        lambda: (
            "rantai_backup" in house.sql("SELECT string_agg(slot_name, ' ') FROM pg_replication_slots WHERE active")
        ),
        timeout_s=PATIENT_S,
        every_s=1,
        what="the log is taken",
    )
    assert "is made and verified" in house("exec", "-T", "backup", "sh", "/backup.sh", "make")


def goes_on_after_a_restore(house: Project) -> None:
    house("up", "--detach")
    ready(house)
    assert "equals the models" in house("exec", "-T", "api", "rantai", "db", "check")
    house("exec", "-T", "api", "rantai", "check")


def restore(house: Project, *until: str) -> str:
    return house("run", "--rm", "--no-deps", "backup", "restore", *until)


def test_a_house_returns_to_the_instant_before_a_mistake_and_to_its_last_row(new_house: Project) -> None:
    ready(new_house)
    back_up(new_house)
    new_account(new_house, "sari")
    before = new_house.sql("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
    new_account(new_house, "mistaken")
    assert "without a hole" in new_house("run", "--rm", "backup-list", "--older-than-h", "1")
    with pytest.raises(AssertionError, match="the database runs: docker compose stop"):
        restore(new_house, before)
    new_house("stop")
    with pytest.raises(AssertionError, match="no backup that was complete at"):
        restore(new_house, "2026-01-01T10:00+07:00")
    with pytest.raises(AssertionError, match=r"(?s)recovery target.*The database of before is back in its place"):
        restore(new_house, "2099-01-01T10:00+07:00")
    assert "The last it knows" in restore(new_house, before)
    goes_on_after_a_restore(new_house)
    assert accounts(new_house) >= {"sari"}
    assert "mistaken" not in accounts(new_house)
    # The machine is lost: what lies in the folder of backups is all there is.
    back_up(new_house)
    password = new_account(new_house, "wati")
    new_house("kill", "postgres")
    new_house("stop")
    new_house("rm", "--force")
    run("docker", "volume", "rm", f"{new_house.name}_database")
    restore(new_house)
    goes_on_after_a_restore(new_house)
    assert new_house.lets_in("wati", password)
    back_up(new_house)


def test_without_secrets_nothing_starts_and_what_is_missing_is_said(tmp_path: Path) -> None:
    house = Project(tmp_path, POSTGRES_PASSWORD="", RANTAI_SECRET_KEY="")
    try:
        with pytest.raises(AssertionError, match="secrets"):
            house("up", "--detach")
        assert "Not set: POSTGRES_PASSWORD RANTAI_SECRET_KEY." in house("logs", "secrets")
        running = run("docker", "ps", "--quiet", f"--filter=label=com.docker.compose.project={house.name}")
        assert running == ""
    finally:
        house.forget()


def test_servers_of_tests_listen_on_this_machine_only() -> None:
    from tests.support.containers import ContainerServices

    pair = ContainerServices().start()
    try:
        doors = run("docker", "ps", "--filter=label=org.testcontainers", "--format", "{{.Ports}}")
        assert {port for port in ("5432", "1883") if f"->{port}/tcp" in doors} == {"5432", "1883"}
        assert "0.0.0.0" not in doors
        assert ":::" not in doors
    finally:
        pair.forget()
