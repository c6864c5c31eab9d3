"""Bodies no program of ours may stumble over."""

from __future__ import annotations

HOSTILE_BODIES: dict[str, bytes] = {
    "empty": b"",
    "binary": bytes(range(256)) * 4,
    "not utf-8": b'{"readings":"\xff\xfe"}',
    "cut off": b'{"readings":[{"at":"2026-01-31T07:05:00Z","cha',
    "a million arrays": b"[" * 1_000_000,
    "deep but closed": b"[" * 5_000 + b"]" * 5_000,
    "deep in its place": b'{"readings":' + b"[" * 1_000 + b"]" * 1_000 + b"}",
    "NaN": b'{"readings":[{"at":"2026-01-31T07:05:00Z","channel":"t1","temperature_c":NaN}]}',
    "Infinity": b'{"readings":[{"at":"2026-01-31T07:05:00Z","channel":"t1","temperature_c":-Infinity}]}',
    "overflow": b'{"readings":[{"at":"2026-01-31T07:05:00Z","channel":"t1","temperature_c":1e400}]}',
    "huge integer": b'{"readings":[{"at":"2026-01-31T07:05:00Z","channel":"t1","temperature_c":'
    + b"9" * 5_000
    + b"}]}",
    "large integer": b'{"readings":[{"at":"2026-01-31T07:05:00Z","channel":"t1","temperature_c":18446744073709551615}]}',
    "lone surrogate": b'{"readings":[{"at":"2026-01-31T07:05:00Z","channel":"\\ud800","temperature_c":4}]}',
    "NUL in a name": b'{"readings":[{"at":"2026-01-31T07:05:00Z","channel":"t\\u00001","temperature_c":4}]}',
    "NUL byte": b'{"readings":[{"at":"2026-01-31T07:05:00Z","channel":"t\x001","temperature_c":4}]}',
    "duplicate keys": b'{"readings":[],"readings":[{"at":"2026-01-31T07:05:00Z","at":5,"temperature_c":4,"channel":"a"}]}',
    "first year": b'{"readings":[{"at":"0001-01-01T00:00:00+14:00","channel":"t1","temperature_c":4}]}',
    "last year": b'{"readings":[{"at":"9999-12-31T23:59:59-14:00","channel":"t1","temperature_c":4}]}',
    "endless name": b'{"readings":[{"at":"2026-01-31T07:05:00Z","channel":"'
    + b"x" * 200_000
    + b'","temperature_c":4}]}',
    "number": b"7",
    "null": b"null",
    "string": b'"readings"',
    "object of objects": b'{"readings":{"0":{}}}',
    "quote in a name": b'{"readings":[{"at":"2026-01-31T07:05:00Z","channel":"\'; DROP TABLE reading; --","temperature_c":4}]}',
    "BOM": b"\xef\xbb\xbf{}",
}
