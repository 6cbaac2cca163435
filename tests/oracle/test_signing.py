"""Signatures: RFC 8032's own, one observation in one domain, and nothing else."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from parbook.errors import AssetError
from parbook.oracle import signing
from parbook.oracle.signing import Domain, canonical_bytes, public_key_of, sign, sign_bytes, verify, verify_bytes
from parbook.oracle.state import Observation

pytest.importorskip("cryptography")

# RFC 8032, section 7.1: TEST 1, TEST 2, TEST 3, TEST SHA(abc).
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]
SECRET, PUBLIC = RFC_8032[0][:2]
DOMAIN = Domain(exchange="parbook-test", feed="SME-A")
OBSERVATION = Observation(
    source=3,
    sequence=17,
    observed_ns=1_700_000_000 * 10**9,
    low_nano=980_000_000,
    mid_nano=1_000_000_000,
    high_nano=1_020_000_000,
    model_hash="0123456789abcdef" * 4,
    input_hash="fedcba9876543210" * 4,
)


@pytest.mark.parametrize(("private", "public", "message", "signature"), RFC_8032)
def test_rfc_8032(private, public, message, signature):
    assert public_key_of(private) == public
    assert sign_bytes(private, bytes.fromhex(message)) == signature
    assert verify_bytes(public, bytes.fromhex(message), signature)
    assert not verify_bytes(public, bytes.fromhex(message) + b"\0", signature)


def test_what_is_signed_is_fixed():
    text = canonical_bytes(DOMAIN, OBSERVATION)
    assert text == (
        b"parbook observation 1\n\x0cparbook-test\x05SME-A"
        + b"".join(
            number.to_bytes(8, "big")
            for number in (3, 17, 1_700_000_000 * 10**9, 980_000_000, 1_000_000_000, 1_020_000_000)
        )
        + bytes.fromhex("0123456789abcdef" * 4 + "fedcba9876543210" * 4)
    )


def test_a_signature_is_of_one_observation_in_one_domain_by_one_key():
    signature = sign(SECRET, DOMAIN, OBSERVATION)
    assert verify(PUBLIC, DOMAIN, OBSERVATION, signature)
    assert not verify(RFC_8032[1][1], DOMAIN, OBSERVATION, signature)
    for domain in (
        Domain(exchange="parbook-tes", feed="tSME-A"),
        Domain(exchange="parbook-live", feed="SME-A"),
        Domain(exchange="parbook-test", feed="SME-B"),
    ):
        assert not verify(PUBLIC, domain, OBSERVATION, signature)
    for name in OBSERVATION.__struct_fields__:
        value = getattr(OBSERVATION, name)
        other = value + 1 if isinstance(value, int) else "f" + value[1:] if value[0] != "f" else "0" + value[1:]
        assert not verify(PUBLIC, DOMAIN, msgspec.structs.replace(OBSERVATION, **{name: other}), signature), name


def test_every_tampered_byte_fails():
    signature = sign(SECRET, DOMAIN, OBSERVATION)
    text = canonical_bytes(DOMAIN, OBSERVATION)
    for at in range(len(text)):
        changed = text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]
        assert not verify_bytes(PUBLIC, changed, signature)
    raw = bytes.fromhex(signature)
    for at in range(len(raw)):
        assert not verify_bytes(PUBLIC, text, (raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]).hex())


def test_a_signature_has_one_spelling():
    """Upper case, blanks, and the group order added to its second half (RFC 8032, 5.1.7) are all refused."""
    signature = sign(SECRET, DOMAIN, OBSERVATION)
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(bytes.fromhex(signature[64:]), "little") + order
    for other in (
        signature.upper(),
        f"{signature[:64]} {signature[64:]}",
        signature[:-2],
        "",
        "zz" * 64,
        signature[:64] + scalar.to_bytes(32, "little").hex(),
    ):
        assert not verify(PUBLIC, DOMAIN, OBSERVATION, other)


def test_what_does_not_fit_is_an_error_for_the_signer_and_false_for_the_verifier():
    for name, value in (
        ("sequence", -1),
        ("mid_nano", 2**64),
        ("source", 1.5),
        ("model_hash", "AB" * 32),
        ("input_hash", "ab"),
    ):
        bad = msgspec.structs.replace(OBSERVATION, **{name: value})
        with pytest.raises(AssetError):
            sign(SECRET, DOMAIN, bad)
        assert not verify(PUBLIC, DOMAIN, bad, "00" * 64)
    for secret in ("", "00" * 31, "ZZ" * 32):
        with pytest.raises(AssetError) as refused:
            sign(secret, DOMAIN, OBSERVATION)
        assert not secret or secret not in str(refused.value)
    with pytest.raises(AssetError, match="public_key"):
        verify("ab", DOMAIN, OBSERVATION, "00" * 64)
    for names in ({"exchange": "", "feed": "a"}, {"exchange": "a", "feed": "é" * 128}):
        with pytest.raises(AssetError, match="1 to 255 bytes"):
            Domain(**names)


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric", None)
    with pytest.raises(AssetError, match=r"pip install parbook\[oracle\]"):
        signing.sign(SECRET, DOMAIN, OBSERVATION)
    # What is signed needs no library.
    assert canonical_bytes(DOMAIN, OBSERVATION)


def test_a_feed_needs_no_library():
    """Only `signing` imports it, and only when it is used."""
    names = ("feed", "rounds", "aggregate", "checks", "clock", "state", "terms", "signing")
    imports = "; ".join(f"import parbook.oracle.{name}" for name in names)
    code = f"import sys; {imports}; sys.exit(any(name.startswith('cryptography') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
