"""How many events a connection may send."""

from remote_assist.signaling.rate import BURST, RATE_PER_S, STRIKES_MAX, Bucket


def test_a_burst_passes_and_then_the_rate() -> None:
    """BURST events at once, then RATE_PER_S in a second."""
    bucket = Bucket(0.0)
    assert sum(bucket.take(0.0) for _ in range(100)) == BURST
    assert sum(bucket.take(1.0) for _ in range(100)) == RATE_PER_S


def test_a_flood_is_spent() -> None:
    """Enough refusals without a lull, and the connection is given up."""
    bucket = Bucket(0.0)
    for _ in range(int(BURST) + STRIKES_MAX - 1):
        bucket.take(0.0)
    assert not bucket.is_spent
    bucket.take(0.0)
    assert bucket.is_spent


def test_other_rates_can_be_chosen() -> None:
    """As for what a session may log."""
    bucket = Bucket(0.0, per_s=1.0, burst=3.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(2.0) for _ in range(3)] == [True, True, False]


def test_a_lull_forgives() -> None:
    """Once the bucket is full again, old refusals do not count."""
    bucket = Bucket(0.0)
    for _ in range(int(BURST) + 10):
        bucket.take(0.0)
    assert bucket.strikes == 10
    assert bucket.take(BURST / RATE_PER_S)
    assert bucket.strikes == 0
