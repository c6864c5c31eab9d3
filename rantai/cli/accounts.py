"""`rantai unit`, `rantai user` and `rantai key`: the first ones of a new house, and help in need."""

from __future__ import annotations

import secrets
import sys
from typing import Annotated
from uuid import UUID

import typer

from rantai.cli.context import unit_of_work
from rantai.errors import WrongUse
from tracker.access.rules import Role, UnitKind
from tracker.kit.clock import utc_now

units = typer.Typer()
users = typer.Typer()
keys = typer.Typer()

Username = Annotated[str, typer.Argument(help="The name it logs in with.")]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
]


@units.callback()
def _units() -> None:
    """Keep `add` a command of its own."""


@units.command("add")
def add_unit(
    code: Annotated[str, typer.Argument(help="Its code, for instance `kota-tangerang`.")],
    name: Annotated[str, typer.Option(help="Its name as people write it.")],
    kind: Annotated[UnitKind, typer.Option(help="Its level.")],
    parent: Annotated[str | None, typer.Option(help="Code of the unit above; none for the top.")] = None,
) -> None:
    """Add a unit of the health system (a facility comes with its place: use the API for those)."""
    from tracker.access.queries import unit_by_ref  # noqa: PLC0415 - loads the database's libraries
    from tracker.access.service import ensure_unit  # noqa: PLC0415 - same

    with unit_of_work() as db:
        above = unit_by_ref(db, parent) if parent is not None else None
        if parent is not None and above is None:
            raise WrongUse(f"there is no unit {parent}.")
        unit = ensure_unit(db, code=code, name=name, kind=kind, parent=above)
        print(f"{unit.code} {unit.id}")


@users.command("add")
def add_user(
    username: Annotated[str, typer.Argument(help="The name to log in with.")],
    role: Annotated[Role, typer.Option(help="What the account may do.")],
    unit: Annotated[str, typer.Option(help="Code of the unit it may do it in, with everything below.")],
    name: Annotated[str | None, typer.Option(help="The person's name; default: the user name.")] = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Add an account with one role over one unit; without --password-stdin a password is made and printed once."""
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - loads the database's libraries
    from tracker.access.service import NewAccount, add_account  # noqa: PLC0415 - same

    password = _password(from_stdin=password_stdin)
    command = NewAccount(username=username, name=name or username, password=password, role=role, unit=unit)
    with unit_of_work() as db:
        account = add_account(db, SYSTEM, command, now=utc_now())
        print(f"{account.username} {account.id}")
    if not password_stdin:
        print(f"password: {password}")


@users.command("list")
def list_users() -> None:
    """All accounts: name, whether it is locked, id."""
    from sqlalchemy import select  # noqa: PLC0415 - loads the database's libraries

    from tracker.access.models import LoginAccount  # noqa: PLC0415 - same

    with unit_of_work() as db:
        for account in db.scalars(select(LoginAccount).order_by(LoginAccount.username)):
            print(f"{account.username} {'active' if account.active else 'locked'} {account.id}")


@users.command("lock")
def lock_user(username: Username) -> None:
    """Let nobody in as this account any more: log-ins, tokens, keys and live pages end at once."""
    from tracker.access.ending import lock_account  # noqa: PLC0415 - loads the database's libraries
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - same

    with unit_of_work() as db:
        print(f"{lock_account(db, SYSTEM, username, now=utc_now()).username} locked")


@users.command("unlock")
def unlock_user(username: Username) -> None:
    """Let the account log in again."""
    from tracker.access.ending import unlock_account  # noqa: PLC0415 - loads the database's libraries
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - same

    with unit_of_work() as db:
        print(f"{unlock_account(db, SYSTEM, username, now=utc_now()).username} active")


@users.command("logout")
def end_logins_of_user(username: Username) -> None:
    """End every log-in and token of the account: a phone was lost."""
    from tracker.access.ending import end_logins_of  # noqa: PLC0415 - loads the database's libraries
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - same

    with unit_of_work() as db:
        print(f"{end_logins_of(db, SYSTEM, username, now=utc_now()).username} must log in again")


@users.command("password")
def reset_password(username: Username, password_stdin: PasswordStdin = False) -> None:
    """Give the account a new password and end its log-ins; without --password-stdin one is made and printed once."""
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - loads the database's libraries
    from tracker.access.service import set_password  # noqa: PLC0415 - same

    password = _password(from_stdin=password_stdin)
    with unit_of_work() as db:
        print(f"{set_password(db, SYSTEM, username, password, now=utc_now()).username} has a new password")
    if not password_stdin:
        print(f"password: {password}")


@keys.command("add")
def add_key(
    username: Annotated[str, typer.Argument(help="The account, usually a machine's, that acts by the key.")],
    label: Annotated[str, typer.Option(help="What the key is for.")],
    days: Annotated[int, typer.Option(help="How long it lasts.", min=1, max=3650)] = 365,
    role: Annotated[Role | None, typer.Option(help="It opens no more than this role may in --unit.")] = None,
    unit: Annotated[str | None, typer.Option(help="Code of the unit for --role.")] = None,
) -> None:
    """Make an API key for an account and print it, once."""
    from tracker.access.keys import NewKey, make_key  # noqa: PLC0415 - loads the database's libraries
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - same

    if (role is None) is not (unit is None):
        raise WrongUse("--role and --unit go together.")
    with unit_of_work() as db:
        command = NewKey(account=username, label=label, days=days, role=role, unit=unit)
        print(make_key(db, SYSTEM, command, now=utc_now()).secret)


@keys.command("list")
def list_keys(username: Username) -> None:
    """The keys of an account: id, beginning, what for, until when, last used when."""
    from tracker.access.keys import keys_of  # noqa: PLC0415 - loads the database's libraries
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - same

    with unit_of_work() as db:
        for shown in keys_of(db, SYSTEM, username):
            key = shown.key
            state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else f"until {key.expires_at or 'revoked'}"
            scope = f", {key.role} in {shown.unit}" if key.role else ""
            used = f"{key.last_used_at:%Y-%m-%d}" if key.last_used_at else "never"
            print(f"{key.id} {key.prefix}… {key.label} ({state}{scope}, last used {used})")


KeyId = Annotated[UUID, typer.Argument(help="Its id, from `rantai key list`.")]


@keys.command("rotate")
def rotate_key(
    key_id: KeyId,
    overlap: Annotated[int, typer.Option(help="Hours for which the old key goes on; 0: none.", min=0, max=168)] = 24,
) -> None:
    """Make a new key like this one and print it, once; the old one ends after the overlap."""
    from tracker.access.keys import rotate_key as rotate  # noqa: PLC0415 - loads the database's libraries
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - same

    with unit_of_work() as db:
        print(rotate(db, SYSTEM, key_id, overlap_hours=overlap, now=utc_now()).secret)


@keys.command("revoke")
def revoke_key(key_id: KeyId) -> None:
    """Let the key open nothing any more."""
    from tracker.access.keys import revoke_key as revoke  # noqa: PLC0415 - loads the database's libraries
    from tracker.access.principal import SYSTEM  # noqa: PLC0415 - same

    with unit_of_work() as db:
        print(f"{revoke(db, SYSTEM, key_id, now=utc_now()).prefix}… revoked")


def _password(*, from_stdin: bool) -> str:
    return sys.stdin.readline().rstrip("\n") if from_stdin else secrets.token_urlsafe(12)
