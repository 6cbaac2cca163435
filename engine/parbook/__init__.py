"""parbook: an exchange engine in which a limit order book and a buyback curve fill orders jointly."""
