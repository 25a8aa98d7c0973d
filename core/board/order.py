"""The order inside a column: fractional ranks, so that a drop changes one row and no other."""

from fractional_indexing import generate_key_between, generate_n_keys_between


def rank_between(low: str | None, high: str | None) -> str:
    """A rank that sorts after `low` and before `high`; None is the end of the column on that side."""
    return str(generate_key_between(low, high))


def ranks_between(low: str | None, high: str | None, count: int) -> list[str]:
    """`count` ranks between two, in order."""
    return [str(rank) for rank in generate_n_keys_between(low, high, count)]
