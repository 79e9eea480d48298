"""The headers of a notice on its way: id, time and signature. Source: Standard Webhooks 1.0."""

from datetime import UTC, datetime

from standardwebhooks import Webhook


def headers(notice_id: str, secret: str, body: str, now_ms: int) -> dict[str, str]:
    """Return the headers of one attempt. The id stays over attempts, time and signature do not.

    ``body`` must be sent as exactly these characters, in UTF-8.
    """
    # The library takes the fields of the instant for UTC, whatever zone it has: give it UTC.
    at = datetime.fromtimestamp(now_ms // 1000, UTC)
    return {
        "content-type": "application/json",
        "webhook-id": notice_id,
        "webhook-timestamp": str(now_ms // 1000),
        "webhook-signature": Webhook(secret).sign(notice_id, at, body),
    }
