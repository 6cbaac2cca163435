"""Who may change a parameter, and how soon it holds: stake, proposals, timelocks, and a guardian within bounds."""
