"""What a phone writes down so that it cannot read it again: who came without a place, for the house alone.

ECDH on P-256 with a key of the phone's that lives for one step, HKDF-SHA-256, AES-256-GCM: what every browser can do. The
book of steps is evidence and stays as it was written; a person in it stays sealed, there as on the phone.
"""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tracker.handsets.errors import BodyWrong
from tracker.sealing.keyring import Keyring

PURPOSE = "handset seal"
_CURVE = ec.SECP256R1()
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_POINT = 65
_NONCE = bytes(12)  # a key seals one text


def public_point(keyring: Keyring) -> str:
    """What phones seal with, an uncompressed point in base64: that of the key in use."""
    return base64.b64encode(_point(_private(keyring.derived(PURPOSE)[0]).public_key())).decode()


def unsealed(keyring: Keyring, sealed: object) -> dict[str, Any]:
    """What a phone sealed under any key that is held; raises BodyWrong."""
    with suppress(ValueError, TypeError, AttributeError):
        told = base64.b64decode(str(sealed), validate=True)
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, told[:_POINT])
        for seed in keyring.derived(PURPOSE):
            with suppress(InvalidTag):
                opened = AESGCM(_shared(_private(seed), theirs, told[:_POINT])).decrypt(_NONCE, told[_POINT:], None)
                found = json.loads(opened)
                return found if isinstance(found, dict) else {}
    raise BodyWrong(fields=["sealed"])


def sealed_for(point: str, told: dict[str, Any]) -> str:
    """As a phone seals: for tests, and for whoever speaks for one."""
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, base64.b64decode(point))
    own = ec.generate_private_key(_CURVE)
    mine = _point(own.public_key())
    words = json.dumps(told).encode()
    return base64.b64encode(mine + AESGCM(_shared(own, theirs, mine)).encrypt(_NONCE, words, None)).decode()


def _shared(own: ec.EllipticCurvePrivateKey, theirs: ec.EllipticCurvePublicKey, salt: bytes) -> bytes:
    secret = own.exchange(ec.ECDH(), theirs)
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=f"rantai {PURPOSE}".encode()).derive(secret)


@lru_cache(maxsize=16)
def _private(seed: bytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(seed) % (_ORDER - 1) + 1, _CURVE)


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
