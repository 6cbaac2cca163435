"""The shipped core behind the C interface of the public matching benchmark, whose sources the user has."""
