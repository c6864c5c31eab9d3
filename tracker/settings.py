"""Settings: one class a concern, all under the prefix RANTAI_, read once at start.

A secret may also come from a file: RANTAI_SECRET_KEY_FILE=/run/secrets/key is read where
RANTAI_SECRET_KEY is not set. `docs/settings.md` lists every name; a test keeps it true.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self, TypeVar
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "RANTAI_"
_S = TypeVar("_S", bound=BaseSettings)
_SECRET_LENGTH = 32


class SettingsError(Exception):
    """A setting is missing or wrong; the message says which and why, in one sentence."""


class ApiSettings(BaseModel):
    """HTTP server and log-in."""

    model_config = ConfigDict(extra="forbid")

    host: str = Field("127.0.0.1", description="Address the HTTP server listens on.")
    public_url: str = Field(
        "http://127.0.0.1:8000",
        pattern=r"^https?://[^/\s]+$",
        description="Where people reach the pages, scheme and host without a slash at the end; stands in messages.",
    )
    port: int = Field(8000, ge=0, le=65535, description="Port the HTTP server listens on.")
    token_minutes: int = Field(60, ge=1, le=1440, description="Life of a bearer token, minutes.")
    login_hours: int = Field(12, ge=1, le=168, description="Life of a page log-in, hours.")
    login_attempts_per_minute: int = Field(
        10, ge=1, description="Log-in attempts per minute for one user name; one address may try six times as many."
    )
    secure_cookies: bool = Field(False, description="Mark cookies Secure; switch on behind TLS.")
    max_body_bytes: int = Field(1_000_000, ge=1_000, description="Largest request body that is read.")
    trusted_proxies: str = Field(
        "127.0.0.1",
        description="Addresses or networks of the proxies in front, with commas between: only their word on who asks counts.",
    )
    sse_connections: int = Field(200, ge=1, description="Live pages one process serves at once.")
    sse_connections_each: int = Field(
        20, ge=1, description="Live pages of one account that one process serves at once."
    )
    queue: int = Field(
        200,
        ge=0,
        description="Requests that wait while as many work as the pool has connections; more get 503 at once.",
    )
    rush_from: int = Field(
        50,
        ge=1,
        description="Requests that wait in one process from which on citizens who want to book draw a number and are let in by order.",
    )
    disks: str = Field(
        "",
        pattern=r"^$|^[a-z]+:/[^,:]+(,[a-z]+:/[^,:]+)*$",
        description="Folders on disks whose free share `/readyz` tells: `name:/folder`, with commas between.",
    )
    queue_seconds: float = Field(5.0, gt=0, description="Longest wait of a request for its turn, seconds; then 503.")


class DatabaseSettings(BaseModel):
    """Connection pool and guard times."""

    model_config = ConfigDict(extra="forbid")

    pool_size: int = Field(
        10, ge=1, le=200, description="Connections kept open per process, and requests that work at once."
    )
    statement_timeout_ms: int = Field(5_000, ge=0, description="Longest statement, milliseconds.")
    lock_timeout_ms: int = Field(4_000, ge=0, description="Longest wait for a lock, milliseconds.")
    idle_in_transaction_ms: int = Field(
        5_000, ge=0, description="Longest silence inside a transaction, milliseconds; then the server ends it."
    )


class Binding(BaseModel):
    """One topic filter and the payload dialect spoken there."""

    model_config = ConfigDict(extra="forbid")

    filter: str
    dialect: str


class IngestSettings(BaseModel):
    """The program that takes readings from the broker."""

    model_config = ConfigDict(extra="forbid")

    client_id: str = Field("rantai-ingest", description="MQTT client id; our broker takes the user's name instead.")
    batch_messages: int = Field(2_000, ge=1, le=50_000, description="Messages stored per transaction, at most.")
    batch_ms: int = Field(100, ge=1, le=10_000, description="Longest wait before a batch is stored, milliseconds.")
    bindings: list[Binding] = Field(
        default_factory=list, description="Further topic filters and their dialects, as JSON."
    )


class SmsShape(StrEnum):
    """How an SMS gateway is spoken to (docs/integrations/sms.md)."""

    KANNEL = "kannel"
    TWILIO = "twilio"
    JSON = "json"


class DeliverySettings(BaseModel):
    """What leaves the house: webhooks, SMS, WhatsApp. Without a gateway's address nobody is told by message: they stand on the list of who is to be called."""

    model_config = ConfigDict(extra="forbid")

    private_webhooks: bool = Field(
        False, description="Let webhooks lead into private networks and over plain http; for demo and tests."
    )
    remind_from: int = Field(
        16, ge=0, le=23, description="From which hour of the place people are reminded of tomorrow's session."
    )
    dose_days_before: int = Field(
        3, ge=1, le=30, description="How many days before a next dose is due people without a place are reminded."
    )
    dose_days_after: int = Field(
        7, ge=1, le=60, description="How many days after it was due they are reminded once more."
    )
    quiet_from: int = Field(
        20, ge=0, le=23, description="From which hour of the place reminders wait; messages that were asked for do not."
    )
    quiet_to: int = Field(7, ge=0, le=23, description="Until which hour they wait; the same as before: they never do.")
    sms_shape: SmsShape = Field(SmsShape.KANNEL, description="How the SMS gateway is spoken to.")
    sms_url: str | None = Field(
        None,
        description="Address of the SMS gateway: a Kannel's `sendsms`, Twilio's `…/Messages.json`, or one that takes JSON.",
    )
    sms_username: str = Field("", description="User name at the Kannel, or account SID at Twilio.")
    sms_password: SecretStr = Field(
        SecretStr(""),
        description="Password at the Kannel, auth token at Twilio, or the secret that JSON is signed with.",
    )
    sms_sender: str = Field("RANTAI", description="Sender shown on SMS.")
    whatsapp_url: str | None = Field(
        None, description="WhatsApp Cloud API, `https://graph.facebook.com/v…/PHONE_NUMBER_ID/messages`."
    )
    whatsapp_token: SecretStr = Field(SecretStr(""), description="Access token of the WhatsApp Cloud API.")
    push_contact: str | None = Field(
        None,
        pattern=r"^(mailto:[^@\s]+@[^@\s]+|https://\S+)$",
        description="Where push services reach whoever runs this, `mailto:` or `https://`; without it no browser is told.",
    )
    push_hosts: list[str] = Field(
        ["fcm.googleapis.com", "push.services.mozilla.com", "notify.windows.com", "push.apple.com"],
        description="Push services that are called, with what lies below them; a browser of another is not taken.",
    )


class MouthSettings(BaseModel):
    """Where people speak to the house by message. A mouth whose secret is not set is closed: its address answers 404."""

    model_config = ConfigDict(extra="forbid")

    whatsapp_secret: SecretStr = Field(
        SecretStr(""), description="App secret that Meta signs deliveries to `/webhooks/whatsapp` with."
    )
    whatsapp_verify_token: SecretStr = Field(
        SecretStr(""), description="Word that Meta shows when the address of the webhook is entered there."
    )
    sms_password: SecretStr = Field(
        SecretStr(""), description="Password with which a Kannel posts SMS to `/webhooks/sms` (HTTP Basic, any name)."
    )
    twilio_token: SecretStr = Field(
        SecretStr(""), description="Auth token that Twilio signs with what it posts to `/webhooks/sms/twilio`."
    )
    sms_secret: SecretStr = Field(
        SecretStr(""), description="Secret that a gateway signs with what it posts to `/webhooks/sms/json`."
    )
    ussd_password: SecretStr = Field(
        SecretStr(""),
        description="Password with which a gateway posts calls to `/webhooks/ussd` (HTTP Basic, any name).",
    )


class PcareSettings(BaseModel):
    """P-Care, which is told of every dose (docs/integrations/pcare.md). Without an address nothing leaves, and all waits or goes by file."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = Field(
        None, pattern=r"^https?://\S+$", description="Where P-Care's services begin; with it doses leave by themselves."
    )
    cons_id: str = Field("", description="Consumer id that BPJS gave.")
    secret: SecretStr = Field(SecretStr(""), description="Consumer secret: signs requests and opens answers.")
    user_key: SecretStr = Field(SecretStr(""), description="User key of the service.")
    username: str = Field("", description="User name at P-Care.")
    password: SecretStr = Field(SecretStr(""), description="Password at P-Care.")
    app_code: str = Field("095", description="Application code (`kdAplikasi`).")
    add_path: str = Field("vaksinasi", description="Where a dose is told (POST).")
    change_path: str = Field("vaksinasi/{number}", description="Where it is corrected (PUT).")
    remove_path: str = Field("vaksinasi/{number}", description="Where it is taken back (DELETE).")
    lookup_path: str = Field(
        "vaksinasi/referensi/{reference}", description="Where we ask whether a dose has arrived (GET)."
    )
    list_path: str = Field(
        "vaksinasi/faskes/{facility}/tanggal/{day}/{offset}/{limit}",
        description="Where we ask for all of a facility and day (GET).",
    )
    fields: dict[str, str] = Field(
        default_factory=dict,
        description='Names of fields that differ from docs/integrations/pcare.md, as JSON: `{"nik": "noKTP"}`; "" leaves one out.',
    )
    vaccine_codes: dict[str, str] = Field(
        default_factory=dict, description="P-Care's codes of our vaccines, as JSON; a vaccine without one goes by ours."
    )
    day_format: str = Field("%d-%m-%Y", description="How a day is written.")
    parallel: int = Field(4, ge=1, le=32, description="Requests under way at once.")
    answer_seconds: float = Field(15.0, gt=0, le=60, description="Longest wait for an answer, seconds.")

    @model_validator(mode="after")
    def _paths_have_their_gaps(self) -> Self:
        for name, gaps in _PCARE_GAPS.items():
            try:
                getattr(self, name).format(**dict.fromkeys(gaps, "x"))
            except (KeyError, IndexError, ValueError):
                raise ValueError(
                    f"{name} may hold {', '.join(f'{{{gap}}}' for gap in gaps) or 'no gap'} only"
                ) from None
        if unknown := self.fields.keys() - _PCARE_FIELDS:
            raise ValueError(f"fields knows no {', '.join(sorted(unknown))}")
        return self


_PCARE_GAPS = {
    "add_path": (),
    "change_path": ("number",),
    "remove_path": ("number",),
    "lookup_path": ("reference",),
    "list_path": ("facility", "day", "offset", "limit"),
}
_PCARE_FIELDS = frozenset(
    {"reference", "number", "nik", "name", "born", "sex", "facility", "vaccine", "batch", "dose", "day", "time"}
)


class RetentionSettings(BaseModel):
    """How long what nothing needs any more is kept; policy of whoever answers for the house. Doses and the ledger stay."""

    model_config = ConfigDict(extra="forbid")

    by_worker: bool = Field(
        True, description="The worker lets go each night; switch off where a timer runs `rantai retention run`."
    )
    codes_days: int = Field(1, ge=1, description="Codes asked for by who lost a ticket, days.")
    logins_days: int = Field(7, ge=1, description="Page log-ins since they ran out, days.")
    answers_days: int = Field(
        7, ge=1, description="Answers kept for repeats of a write, days; then the same key is a new request."
    )
    conversations_days: int = Field(30, ge=1, description="Conversations in which nothing was said since, days.")
    dead_letters_days: int = Field(
        90, ge=7, description="Messages of devices that could not be read and did not come again, days."
    )
    messages_days: int = Field(180, ge=7, description="Messages that were sent or given up, days.")
    browsers_days: int = Field(
        400, ge=30, description="Browsers that are notified, since they last took a message, days."
    )
    health_answers_days: int = Field(365, ge=30, description="What people said of their health while booking, days.")
    calls_days: int = Field(365, ge=30, description="Calls of the hotline since they were over, days.")
    interests_days: int = Field(365, ge=30, description="Wishes to be told of places, since they were said, days.")
    lookups_days: int = Field(1825, ge=365, description="Notes of who read a person's record, days.")
    persons_days: int = Field(
        730, ge=90, description="Persons who never came, since their last booking changed, days; then they are nobody."
    )
    feed_days: int = Field(
        1095, ge=30, description="Events of the feed that everybody has read, days; those on access stay."
    )
    handsets_days: int = Field(1095, ge=90, description="Phones of stores not heard since, with their books, days.")
    readings_days: int | None = Field(
        None, ge=400, description="Months of readings that ended so long ago are archived, days; not set: they stay."
    )
    hours_days: int = Field(
        1825, ge=1461, description="Hourly aggregates of sensors, days; longer than any vaccine may be kept."
    )


class LogSettings(BaseModel):
    """What programs write about themselves."""

    model_config = ConfigDict(extra="forbid")

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least severe level written.")
    json_lines: bool = Field(False, description="One JSON object a line instead of text for people.")


class Settings(BaseSettings):
    """All settings of all programs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="ignore")

    database_url: SecretStr = Field(description="PostgreSQL with PostGIS, postgresql://user:password@host/name.")
    database_password: SecretStr = Field(
        SecretStr(""), description="Its password, where the address carries none; any sign may stand in it."
    )
    mqtt_url: SecretStr = Field(
        SecretStr("mqtt://127.0.0.1:1883"), description="Broker: mqtt://user:password@host:1883 or mqtts://…"
    )
    mqtt_password: SecretStr = Field(
        SecretStr(""), description="Its password, where the address carries none; any sign may stand in it."
    )
    secret_key: SecretStr = Field(
        min_length=_SECRET_LENGTH, description="Signs tokens and keys the NIK hash and cipher; at least 32 characters."
    )
    other_secret_keys: SecretStr = Field(
        SecretStr(""),
        description="Further secret keys, while one is replaced by another, with white space between; each as long.",
    )
    api: ApiSettings = Field(default_factory=lambda: ApiSettings())  # noqa: PLW0108 - mypy wants the call
    database: DatabaseSettings = Field(default_factory=lambda: DatabaseSettings())  # noqa: PLW0108 - same
    ingest: IngestSettings = Field(default_factory=lambda: IngestSettings())  # noqa: PLW0108 - same
    delivery: DeliverySettings = Field(default_factory=lambda: DeliverySettings())  # noqa: PLW0108 - same
    mouths: MouthSettings = Field(default_factory=lambda: MouthSettings())  # noqa: PLW0108 - same
    pcare: PcareSettings = Field(default_factory=lambda: PcareSettings())  # noqa: PLW0108 - same
    retention: RetentionSettings = Field(default_factory=lambda: RetentionSettings())  # noqa: PLW0108 - same
    log: LogSettings = Field(default_factory=lambda: LogSettings())  # noqa: PLW0108 - same

    @field_validator("other_secret_keys")
    @classmethod
    def _each_long_enough(cls, given: SecretStr) -> SecretStr:
        if any(len(secret) < _SECRET_LENGTH for secret in given.get_secret_value().split()):
            raise ValueError(f"each secret key needs at least {_SECRET_LENGTH} characters")
        return given

    @model_validator(mode="after")
    def _complete_addresses(self) -> Self:
        self.database_url = _with_password(self.database_url, self.database_password)
        self.mqtt_url = _with_password(self.mqtt_url, self.mqtt_password)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Values given, then the environment; a name of a secret's file is no setting of its group."""
        del settings_cls, dotenv_settings, file_secret_settings
        files = {f"{_variable(names)}_FILE".lower() for names in _secrets_of(cls)}
        if isinstance(env_settings, EnvSettingsSource):
            env_settings.env_vars = {k: v for k, v in env_settings.env_vars.items() if k.lower() not in files}
        return init_settings, env_settings


def _with_password(address: SecretStr, password: SecretStr) -> SecretStr:
    """The address with the password in it, in the signs an address may have."""
    parts = urlsplit(address.get_secret_value())
    if not password.get_secret_value() or not parts.username or parts.password:
        return address
    user, _, host = parts.netloc.rpartition("@")
    word = quote(password.get_secret_value(), safe="")
    return SecretStr(parts._replace(netloc=f"{user.removesuffix(':')}:{word}@{host}").geturl())


def _secrets_of(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where the secrets are: the names that lead to each."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if kind is SecretStr:
            yield (*above, name)
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _secrets_of(kind, (*above, name))


def _variable(names: tuple[str, ...]) -> str:
    return PREFIX + "__".join(names).upper()


def _secrets_from_files(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for names in _secrets_of(Settings):
        variable = _variable(names)
        file = environ.get(f"{variable}_FILE")
        if file and variable not in environ:
            try:
                secret = Path(file).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(
                    f"{variable}_FILE points to {file}, which cannot be read: {error.strerror}."
                ) from None
            group = found
            for name in names[:-1]:
                group = group.setdefault(name, {})
            group[names[-1]] = secret
    return found


def load_settings(**overrides: object) -> Settings:
    """Read the environment; raise `SettingsError` with one clear sentence when something is wrong."""
    return _load(Settings, **overrides)


class _Address(BaseSettings):
    """The one setting of those who copy the database."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore")

    database_url: SecretStr


def database_address() -> str:
    """RANTAI_DATABASE_URL alone: who makes backups must do without the secret key, which is kept apart from them."""
    return _load(_Address).database_url.get_secret_value()


def _load(kind: type[_S], **overrides: object) -> _S:
    values: dict[str, object] = {**_secrets_from_files(os.environ), **overrides}
    try:
        return kind(**values)  # type: ignore[arg-type]  # pydantic converts and checks every value
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + "__".join(str(part) for part in first["loc"]).upper()
        if first["type"] == "missing":
            raise SettingsError(f"{name} is not set.") from None
        raise SettingsError(f"{name} is not valid: {first['msg']}.") from None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once."""
    return load_settings()
