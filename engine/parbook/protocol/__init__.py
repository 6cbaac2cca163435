"""The protocol beside the markets: one place that composes pools, oracle, treasury, exits, token, fund and votes.

The mechanisms (`parbook.pools`, `.oracle`, `.treasury`, `.redemption`, `.anchored`, `.insurance`, `.support`,
`.governance`) know nothing of each other and move no money. Here a command is given to them, the ledger is asked, money
and units move by ordinary commands of the exchange, and what happened is said as events.

    commands  what can be asked        events    what is said
    state     everything that counts   purse     money and units in the exchange's ledger
    engine    dispatch, time, checks   exchange  the exchange that has a protocol
    on_*      one module a mechanism: its commands, carried out
"""
