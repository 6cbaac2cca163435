"""What a replay found, in words (`summary`), in figures (`figures`) and as one page (`page`)."""
