"""A small venue: JSON lines over TCP, parbook inside. Two people trade with each other and with the buyback curve."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import parbook as pb

TREASURY = 1
NAMES = {TREASURY: "treasury", 7: "alice", 8: "bob"}


class Venue:
    """One exchange, one instrument, any number of connections. Process, network and clock are the venue's."""

    def __init__(self) -> None:
        self.ex = ex = pb.Exchange()
        self.usd, self.loan = ex.add_asset("USDx", decimals=6), ex.add_asset("SME-A")
        ex.deposit(account=TREASURY, asset=self.usd, amount="25000", txn_id=1, ts=self.clock())
        self.market = ex.add_instrument(
            "SME-A/USDx", base=self.loan, quote=self.usd, tick="0.0001", stp="cancel_oldest", treasury=TREASURY,
            curve=pb.LinearBuyback(budget="25000", par_lots=1000, drop_bps=300, depth_lots=24_000, spread_bps=25),
        )  # fmt: skip
        ex.set_fees(maker_bps="-0.5", taker_bps=2, ts=self.clock())
        ex.observe(self.market, source="nav", price="0.9873", conf="0.0003", ts=self.clock())
        self.lines: dict[int, asyncio.StreamWriter] = {}

    def clock(self) -> int:
        """Wall time, never backwards: to the engine time is part of a command."""
        return max(time.time_ns(), self.ex.now_ns)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection, which says who it is in its first line, until it closes."""
        account = int(json.loads(await reader.readline())["account"])
        self.lines[account] = writer
        async for line in reader:
            tell(writer, kind="reply", **self.answer(account, json.loads(line)))
        del self.lines[account]
        writer.close()

    def answer(self, account: int, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out one request. A refusal is a value, nonsense is an exception; the connection survives both."""
        try:
            match request.pop("do"):
                case "deposit":
                    done = self.ex.deposit(account, self.ex.asset(request.pop("asset")), ts=self.clock(), **request)
                case "place":
                    done = self.ex.place(self.market, account, ts=self.clock(), **request)
                case "cancel":
                    done = self.ex.cancel(self.market, account, ts=self.clock(), **request)
                case other:
                    return {"ok": False, "why": f"do={other!r}: deposit, place or cancel."}
        except (pb.MisuseError, TypeError) as error:
            return {"ok": False, "why": str(error)}
        filled = str(done.filled) if isinstance(done, pb.Placement) else None
        return {"ok": done.ok, "why": done.code.doc if done.code else None, "filled": filled}

    async def push(self) -> None:
        """Tell both sides of every fill, and everybody what the market looks like now."""
        async for batch in self.ex.aevents():
            for event in pb.events_from_records(batch):
                if isinstance(event, pb.Trade):
                    for account in {event.taker_account, event.maker_account} & self.lines.keys():
                        price, qty = self.market.price(event.price_ticks), self.market.qty(event.qty_lots)
                        fill = {"price": str(price), "qty": str(qty), "source": event.source.name}
                        tell(self.lines[account], kind="fill", **fill)
            depth = [[int(n) for n in row] for row in self.ex.depth(self.market, 3).tolist()]
            for writer in self.lines.values():
                tell(writer, kind="depth", rows=depth)

    def summary(self) -> None:
        """Print who holds what; together it is what was deposited, to the atom."""
        for asset in self.ex.assets:
            held = {name: self.ex.balances(account)[asset.name].total for account, name in NAMES.items()}
            held["fees"] = asset.amount(self.ex.core.fees_taken(int(asset)))
            rest = sum(held.values()) - asset.amount(self.ex.core.inside(int(asset)))
            shares = ", ".join(f"{name} {amount:,}" for name, amount in held.items())
            print(f"{asset.name}: {shares}; difference to deposits {rest:f}")


def tell(writer: asyncio.StreamWriter, **message: Any) -> None:
    """Send one line."""
    writer.write(json.dumps(message).encode() + b"\n")


class Client:
    """One person's connection: requests are answered in order, fills and depth come in between."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.fills: list[dict[str, Any]] = []
        self.depth: list[list[int]] = []

    async def next(self) -> dict[str, Any]:
        """Return the next message, after noting what it says."""
        message: dict[str, Any] = json.loads(await self.reader.readline())
        if message["kind"] == "fill":
            self.fills.append(message)
        elif message["kind"] == "depth":
            self.depth = message["rows"]
        return message

    async def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and return its reply."""
        tell(self.writer, **request)
        while (message := await self.next())["kind"] != "reply":
            pass
        return message


async def alice(client: Client) -> None:
    """Bid for 500, wait until somebody sold, then buy 200 more from whoever offers."""
    await client.ask(do="deposit", asset="USDx", amount="10000", txn_id=2)
    await client.ask(do="place", side="buy", qty="500", price="0.9860", client_id="bid-1")
    while not client.fills:
        await client.next()
    bought = await client.ask(do="place", side="buy", qty="200", price="0.9999", tif="ioc")
    again = await client.ask(do="place", side="buy", qty="1000000", price="0.9999")
    print(f"alice: bid filled by {client.fills[0]['source']}, then {bought['filled']} more; refused: {again['why']}")


async def bob(client: Client) -> None:
    """Wait for a bid of the book, then sell 2,000: people first, the curve fills what is left."""
    await client.ask(do="deposit", asset="SME-A", amount="5000", txn_id=3)
    while not any(side == 0 and source == 0 for side, source, *_ in client.depth):
        await client.next()
    odd = await client.ask(do="place", side="sell", qty="2000.5", price="0.9600")
    sold = await client.ask(do="place", side="sell", qty="2000", price="0.9600", tif="ioc")
    while not client.fills or client.fills[-1]["source"] != "CURVE":
        await client.next()
    print(f"bob: sold {sold['filled']}, first at {client.fills[0]['price']} to the {client.fills[0]['source']}")
    print(f"bob: not accepted: {odd['why']}")


async def main() -> None:
    """Open the venue, let two people in, close it when both are gone."""
    venue = Venue()
    pusher = asyncio.create_task(venue.push())
    server = await asyncio.start_server(venue.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]

    async def person(account: int, script: Any) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        tell(writer, account=account)
        await script(Client(reader, writer))
        writer.close()
        await writer.wait_closed()

    await asyncio.wait_for(asyncio.gather(person(7, alice), person(8, bob)), timeout=30)
    server.close()
    await server.wait_closed()
    pusher.cancel()
    venue.ex.check()
    venue.summary()


asyncio.run(main())
