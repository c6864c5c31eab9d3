"""Writing down when doses are due: a dated row for each rule, the newest in force; nothing is edited."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.catalog.models import Vaccine
from tracker.quota.errors import OtherRule, UnknownVaccine
from tracker.quota.models import DoseAge, DoseInterval, VaccineSpacing
from tracker.quota.service.commands import AddAge, AddInterval, AddSpacing

Rule = DoseInterval | DoseAge | VaccineSpacing


def add_rule(db: Session, principal: Principal, command: AddInterval | AddAge | AddSpacing) -> bool:
    """Write a rule down, in force from its day on; whether it was written now. The same again is the same.

    Raises Forbidden, UnknownVaccine, OtherRule (that day has another rule already: a later day corrects it).
    """
    principal.require(Permission.CATALOG_WRITE)
    row = _row(command)
    for field, code in _codes(command):
        if db.scalar(select(Vaccine.id).where(Vaccine.code == code)) is None:
            raise UnknownVaccine(field=field, vaccine=code)
    mapper = type(row).__mapper__
    found = db.get(type(row), mapper.primary_key_from_instance(row))
    if found is not None:
        if any(getattr(found, each.key) != getattr(row, each.key) for each in mapper.column_attrs):
            raise OtherRule(day=command.from_day.isoformat())
        return False
    db.add(row)
    db.flush()
    return True


def _row(command: AddInterval | AddAge | AddSpacing) -> Rule:
    common = {"vaccine_code": command.vaccine, "from_day": command.from_day, "source": command.source}
    if isinstance(command, AddAge):
        return DoseAge(**common, dose=command.dose, min_months=command.min_months)
    if isinstance(command, AddSpacing):
        return VaccineSpacing(**common, other_code=command.other, min_days=command.min_days)
    return DoseInterval(
        **common,
        dose=command.dose,
        after_code=command.after or command.vaccine,
        min_days=command.min_days,
        due_days=command.due_days,
        max_days=command.max_days,
    )


def _codes(command: AddInterval | AddAge | AddSpacing) -> list[tuple[str, str]]:
    codes = [("vaccine", command.vaccine)]
    if isinstance(command, AddSpacing):
        codes.append(("other", command.other))
    if isinstance(command, AddInterval) and command.after:
        codes.append(("after", command.after))
    return codes
