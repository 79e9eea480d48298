"""What the robot makes of links that cannot work."""

import socket

import pytest

from remote_assist.errors import ProtocolViolation
from remote_assist.robot.channel import Channel, ConnectionLost


@pytest.mark.parametrize("url", ["", "j#secret", "https://host/j", "ftp://host/j#secret", "https://host/j#"])
def test_a_link_without_a_secret_or_a_host_is_refused(url: str) -> None:
    """Nonsense is said to be nonsense before anything is sent."""
    with pytest.raises(ProtocolViolation, match="invalid_link"):
        Channel(url)


async def test_a_server_that_is_not_there_is_a_lost_connection() -> None:
    """Nobody listening is a reason to try again, not to break."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    channel = Channel(f"http://127.0.0.1:{port}/j#secret")
    with pytest.raises(ConnectionLost):
        await channel.open()
    with pytest.raises(ConnectionLost):
        await channel.call("session.sync")
    await channel.close()
    await channel.close()
