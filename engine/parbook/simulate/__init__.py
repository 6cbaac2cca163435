"""What-if on the real exchange: agents, a run on it, what stayers and leavers get; and failures of others, built here.

Nothing is modelled twice: every step is a command to a `BackedExchange`, and what is measured is what its ledger says.
Only people, obligors and what is *true* are simulated, from a seed.

    world   settings      credit  obligors, and the fair value that full information would give
    venue   the exchange  agents  who leaves, how; who makes a market
    run     day by day    bound   what leavers can take from those who stay, derived
    many    many seeds    failures, tokens  what went wrong elsewhere
"""
