"""What every group of use cases is made with."""

from remote_assist.clock import Clock
from remote_assist.sessions.ports import ReceiptSigner, Store


class UseCases:
    """Holds the ports."""

    def __init__(self, store: Store, clock: Clock, signer: ReceiptSigner) -> None:
        self._store = store
        self._clock = clock
        self._signer = signer
