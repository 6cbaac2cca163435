"""The command line: argument parsing, progress, exit codes. What it does stands in the packages below."""
