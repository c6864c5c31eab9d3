"""The use case that imports areas."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from tracker.access.principal import Principal
from tracker.access.rules import Permission
from tracker.feed.service import append
from tracker.kit.ids import uuid7
from tracker.network.errors import BadFeature, BadGeoJson
from tracker.network.events import AreasImported
from tracker.network.models import Area
from tracker.network.rules.geojson import AreaFeature, FeatureError, FeatureFault, features_of


def import_areas(db: Session, principal: Principal, geojson: Mapping[str, Any], *, now: datetime) -> AreasImported:
    """Take all areas of a FeatureCollection, or none.

    An area already known by one of its codes gets the file's name, codes and polygon.
    Raises BadGeoJson, BadFeature (naming the feature), Forbidden.
    """
    principal.require(Permission.NETWORK_WRITE)
    try:
        features = list(features_of(geojson))
    except FeatureError as error:
        raise BadFeature(line=error.index, name=error.name, reason=error.reason, detail=error.detail) from None
    except ValueError:
        raise BadGeoJson(field="file") from None
    _refuse_twins(features)
    added = 0
    for feature in features:
        known = _known(db, feature)
        area = known or Area(id=uuid7())
        area.name, area.level = feature.name, feature.level
        area.code_kemendagri = feature.code_kemendagri or area.code_kemendagri
        area.code_bps = feature.code_bps or area.code_bps
        area.polygon = f"SRID=4326;{feature.wkt}"
        if known is None:
            db.add(area)
            added += 1
    db.flush()
    done = AreasImported(
        added=added, refreshed=len(features) - added, repaired=sum(feature.repaired for feature in features)
    )
    append(db, done, unit_id=None, subject="areas", occurred_at=now, now=now)
    return done


def _refuse_twins(features: list[AreaFeature]) -> None:
    seen: dict[str, int] = {}
    for feature in features:
        for system, code in (("kemendagri", feature.code_kemendagri), ("bps", feature.code_bps)):
            if code is None:
                continue
            first = seen.setdefault(f"{system} {code}", feature.index)
            if first != feature.index:
                raise BadFeature(line=feature.index, name=feature.name, reason=FeatureFault.CODE_TWICE, detail=first)


def _known(db: Session, feature: AreaFeature) -> Area | None:
    conditions = []
    if feature.code_kemendagri is not None:
        conditions.append(Area.code_kemendagri == feature.code_kemendagri)
    if feature.code_bps is not None:
        conditions.append(Area.code_bps == feature.code_bps)
    found = {area.id: area for condition in conditions for area in db.scalars(select(Area).where(condition))}
    if len(found) > 1:
        raise BadFeature(line=feature.index, name=feature.name, reason=FeatureFault.TWO_AREAS)
    return next(iter(found.values()), None)
