"""Bodies of the WHO EMS and RTMD kind, complete by the schema."""

from __future__ import annotations

from typing import Any


def _meta(kind: str) -> dict[str, Any]:
    return {
        "schemaVersion": "0.8.1",
        "transferType": kind,
        "transferId": "transfer-1",
        "transferSrc": "org.example",
        "transferredAt": "2026-01-31T08:00:00Z",
    }


def ems_record(abst: str, **changes: object) -> dict[str, Any]:
    """One record of a mains appliance at `abst` (YYYYMMDDThhmmssZ)."""
    record: dict[str, Any] = {
        "ABST": abst,
        "ALRM": None,
        "BEMD": 402.7,
        "BLOG": 402.7,
        "CMPR": 300,
        "DORV": 0,
        "EERR": None,
        "LERR": None,
        "SVA": 900,
        "TAMB": 27.5,
        "TVC": 4.5,
    }
    return {**record, **changes}


def ems_body(records: list[dict[str, Any]], *, logger: str = "LOG-1", monitor: str = "EMD-1") -> dict[str, Any]:
    """One report of one EMS."""
    names = ("ADOP", "AMFR", "AMOD", "APQS", "ASER", "LDOP", "LMFR", "LMOD", "LPQS", "EDOP", "EMFR", "EMOD", "EPQS")
    made = {"ADOP": "2020-01-01", "LDOP": "2020-01-01", "EDOP": "2020-01-01"}
    report: dict[str, Any] = {name: made.get(name, "x") for name in names}
    report.update(CID="IDN", LSER=logger, ESER=monitor, LSV="1", EMSV="1", records=records)
    return {"meta": _meta("ems"), "data": [report]}


def rtmd_body(records: list[dict[str, Any]], *, appliance: str = "AMID-1") -> dict[str, Any]:
    """One report of one remote temperature monitor."""
    report: dict[str, Any] = {
        "AMID": appliance,
        "CID": "IDN",
        "DLST": {"TVC": {"SID": "s1", "SMFR": "x", "SMOD": "x"}},
        "EDOP": "2020-01-01",
        "EMFR": "x",
        "EMOD": "x",
        "EPQS": "E006/099",
        "ESER": "RTMD-1",
        "EMSV": "1",
        "records": records,
    }
    return {"meta": _meta("rtm"), "data": [report]}
