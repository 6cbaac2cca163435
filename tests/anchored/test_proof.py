"""Proof of backing: reports that add up and hang together, signatures, and claims that are in the tree."""

from __future__ import annotations

import random

import msgspec
import pytest

from parbook.anchored import proof
from parbook.anchored.claims import Inclusion, claims_of, inclusion, is_included
from parbook.anchored.proof import FIRST, digest, encoded, opened, report, verified
from parbook.anchored.terms import LegStatus, TokenState
from parbook.errors import AssetError, MisuseError
from parbook.pools.amounts import E12, MICRO, NANO
from tests.anchored.support import CASH, LOANS, standing

HASH = "ab" * 32
KEY = bytes(range(32))


def accounts(case, holders=7):
    """Return amounts of some holders that sum to the supply."""
    part = case.state.supply_micro // holders
    amounts = {7 * n + 3: part for n in range(holders - 1)}
    return amounts | {1000: case.state.supply_micro - part * (holders - 1)}


def reports(count=3):
    """Return the case and a chain of reports' bytes; loans fall a little before each."""
    case, chain = standing(loans_haircut_e12=E12 // 10, buffer=300 * MICRO), []
    for n in range(count):
        case.observe({LOANS: NANO - n * 12345})
        made = report(
            case.state,
            claims_of(accounts(case)),
            case.now,
            sequence=100 + n,
            exchange_hash=HASH,
            previous=chain[-1] if chain else None,
        )
        chain.append(encoded(made))
        case.wait(10**9)
    return case, chain


def test_a_report_says_what_its_ratio_is_made_of():
    _, chain = reports()
    first, second = verified(chain[0], None), verified(chain[1], chain[0])
    assert (first.chain, first.previous, second.chain, second.previous) == (1, FIRST, 2, digest(chain[0]))
    assert [(leg.asset, leg.counted_micro) for leg in first.legs] == [(CASH, 800 * MICRO), (LOANS, 450 * MICRO)]
    assert (first.backing_micro, first.ratio_e12, first.state) == (1250 * MICRO, 125 * E12 // 100, TokenState.SOUND)
    assert second.ratio_e12 < first.ratio_e12
    assert len(digest(chain[0])) == 64


def test_bytes_are_canonical():
    _, chain = reports(1)
    made = opened(chain[0])
    assert encoded(made) == chain[0]
    names = list(msgspec.json.decode(chain[0]))
    assert names == sorted(names)
    for other in (b" " + chain[0], chain[0].replace(b'"chain":1', b'"chain":1,"more":0'), b"{}", b"\xff", b"[]"):
        with pytest.raises(AssetError, match="proof of backing"):
            opened(other)


def test_a_disabled_leg_counts_nothing_in_a_report():
    case, chain = reports(1)
    for _ in range(8):
        case.wait(86400 * 10**9).observe({CASH: NANO})
    made = report(case.state, claims_of(accounts(case)), case.now, sequence=200, exchange_hash=HASH, previous=chain[0])
    assert made.state is TokenState.DISABLED
    assert made.legs[1].status is LegStatus.DISABLED
    assert made.legs[1].counted_micro == 0
    assert verified(encoded(made), chain[0]) == made


def every_change(made):
    """Yield reports that differ from `made` in one field, at any depth."""
    for name in made.__struct_fields__:
        value = getattr(made, name)
        if name == "legs":
            for n, leg in enumerate(value):
                for inner in leg.__struct_fields__:
                    old = getattr(leg, inner)
                    new = LegStatus((old + 1) % 3) if inner == "status" else old + 1
                    other = msgspec.structs.replace(leg, **{inner: new})
                    yield f"{n}.{inner}", msgspec.structs.replace(made, legs=(*value[:n], other, *value[n + 1 :]))
            yield "legs", msgspec.structs.replace(made, legs=value[:-1])
        elif isinstance(value, str):
            yield name, msgspec.structs.replace(made, **{name: ("0" if value[0] != "0" else "1") + value[1:]})
        else:
            new = TokenState((value + 1) % 4) if name == "state" else value + 1
            yield name, msgspec.structs.replace(made, **{name: new})


def test_tampering_with_any_field_fails():
    pytest.importorskip("cryptography")
    from parbook.anchored import signing

    _, chain = reports()
    made, key = opened(chain[1]), signing.public_key(KEY)
    signature = signing.sign(chain[1], KEY)
    assert signing.verify(chain[1], signature, key, chain[0]) == made
    seen = set()
    for name, other in every_change(made):
        seen.add(name.split(".")[-1])
        with pytest.raises(AssetError, match="proof of backing"):
            signing.verify(encoded(other), signature, key, chain[0])
    assert seen >= {"supply_micro", "quantity_micro", "low_nano", "haircut_e12", "ratio_e12", "exchange_hash"}
    assert seen >= {"time_ns", "sequence", "previous", "status", "state", "claims_root"}


def test_numbers_that_do_not_add_up_fail_whoever_signed_them():
    """The signer lies: what a reader can recompute, he recomputes."""
    _, chain = reports()
    made = opened(chain[1])
    caught = set()
    for name, other in every_change(made):
        try:
            verified(encoded(other), chain[0])
        except AssetError:
            caught.add(name)
    assert caught >= {"0.quantity_micro", "1.low_nano", "1.haircut_e12", "1.counted_micro", "0.status", "legs"}
    assert caught >= {"backing_micro", "ratio_e12", "supply_micro", "claims_micro", "previous", "chain", "format"}
    low = msgspec.structs.replace(made, supply_micro=0, claims_micro=0)
    with pytest.raises(AssetError, match="ratio"):
        verified(encoded(low), chain[0])


def test_a_chain_cannot_be_cut_reordered_or_begun_anew():
    _, chain = reports()
    assert verified(chain[2], chain[1]).chain == 3
    for data, previous in ((chain[2], chain[0]), (chain[1], chain[2]), (chain[2], None), (chain[0], chain[2])):
        with pytest.raises(AssetError, match="proof of backing"):
            verified(data, previous)
    late = msgspec.structs.replace(opened(chain[1]), time_ns=1)
    with pytest.raises(AssetError, match="earlier time"):
        verified(encoded(late), chain[0])
    other = msgspec.structs.replace(opened(chain[1]), token_asset=77)
    with pytest.raises(AssetError, match="another token"):
        verified(encoded(other), chain[0])


def test_a_signature_is_of_one_report_and_one_key():
    pytest.importorskip("cryptography")
    from parbook.anchored import signing

    _, chain = reports()
    key, signature = signing.public_key(KEY), signing.sign(chain[0], KEY)
    assert len(signature) == 64
    assert signing.verify(chain[0], signature, key, None).chain == 1
    bad = bytes([signature[0] ^ 1]) + signature[1:]
    stranger = signing.public_key(KEY[::-1])
    for data, signed, by in (
        (chain[0], bad, key),
        (chain[0], b"", key),
        (chain[0], signature, stranger),
        (chain[0], signature, b"short"),
        (chain[1], signature, key),
    ):
        with pytest.raises(AssetError, match="signature"):
            signing.verify(data, signed, by, None)
    with pytest.raises(MisuseError, match="32 bytes"):
        signing.sign(chain[0], b"short")


def test_a_report_is_refused_when_claims_are_not_the_supply():
    case, _ = reports(1)
    few = claims_of({1: case.state.supply_micro - 1})
    with pytest.raises(AssetError, match="supply"):
        report(case.state, few, case.now, sequence=1, exchange_hash=HASH, previous=None)
    with pytest.raises(AssetError, match="hash"):
        report(case.state, claims_of(accounts(case)), case.now, sequence=1, exchange_hash="AB" * 32, previous=None)


# --- claims ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 33, 100])
def test_every_claim_is_included_and_no_other(count):
    rng = random.Random(count)
    amounts = {account: rng.randrange(10**9) for account in rng.sample(range(10**6), count)}
    tree = claims_of(amounts)
    assert tree.total_micro == sum(amounts.values())
    assert tree == claims_of(dict(reversed(amounts.items())))
    for account, amount in amounts.items():
        found = inclusion(tree, account)
        assert found.amount_micro == amount
        assert len(found.beside) <= (count - 1).bit_length()
        assert is_included(tree.root, tree.total_micro, found)
        for changes in (
            {"amount_micro": amount + 1},
            {"account": account + 1},
            {"index": (found.index + 1) % count if count > 1 else 1},
            {"count": count + 1},
            {"beside": (*found.beside, (HASH, 0))},
            {"beside": found.beside[1:] if found.beside else ((HASH, 1),)},
        ):
            assert not is_included(tree.root, tree.total_micro, msgspec.structs.replace(found, **changes))
        assert not is_included(HASH, tree.total_micro, found)
        assert not is_included(tree.root, tree.total_micro + 1, found)


def test_a_list_with_doubled_nodes_has_another_root():
    """CVE-2012-2459: [1, 2, 3] and [1, 2, 3, 3] must not look alike; nor three leaves like four with an empty one."""
    three = claims_of({1: 10, 2: 20, 3: 30})
    assert three.root != claims_of({1: 10, 2: 20, 3: 30, 4: 30}).root
    assert three.root != claims_of({1: 10, 2: 20, 3: 30, 4: 0}).root
    # The third leaf stands alone: its way up has one node beside it, and cannot be its own neighbour.
    third = inclusion(three, 3)
    assert len(third.beside) == 1
    leaf = three.levels[0][2]
    doubled = msgspec.structs.replace(third, index=3, count=4, beside=((leaf[0].hex(), 30), *third.beside))
    assert not is_included(three.root, 60, doubled)
    assert not is_included(three.root, 90, doubled)


def test_an_inner_node_is_no_leaf_and_no_amount_is_negative():
    tree = claims_of({1: 10, 2: 20, 3: 30, 4: 40})
    top = tree.levels[1]
    forged = Inclusion(account=1, amount_micro=30, index=0, count=2, beside=((top[1][0].hex(), 70),))
    assert not is_included(tree.root, 100, forged)
    good = inclusion(tree, 1)
    for beside in (((good.beside[0][0], -20), good.beside[1]), (("zz", 20), good.beside[1]), ((1, 2), good.beside[1])):
        assert not is_included(tree.root, 100, msgspec.structs.replace(good, beside=beside))


def test_a_hidden_branch_would_show_in_the_sums():
    """Hashes cover both children's sums: moving amount from one branch to another changes the root."""
    assert claims_of({1: 10, 2: 20}).root != claims_of({1: 20, 2: 10}).root
    tree = claims_of({1: 10, 2: 20, 3: 30, 4: 40})
    good = inclusion(tree, 1)
    shifted = ((good.beside[0][0], good.beside[0][1] + 5), (good.beside[1][0], good.beside[1][1] - 5))
    assert not is_included(tree.root, 100, msgspec.structs.replace(good, beside=shifted))


def test_claims_out_of_range_are_refused():
    for amounts in ({1: -1}, {-1: 1}, {1: 2**63}, {2**32: 1}):
        with pytest.raises(AssetError, match="claims"):
            claims_of(amounts)
    with pytest.raises(AssetError, match="not in the tree"):
        inclusion(claims_of({1: 1, 3: 1}), 2)
    assert claims_of({}).total_micro == 0
    assert proof.FORMAT == 1
