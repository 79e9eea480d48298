"""The error tree. Nothing here imports anything.

    RemoteAssistError
    ├── Rejected                a rule said no; not an error of ours, not logged as one
    │   ├── Unauthenticated     nobody we know              (HTTP 401)
    │   ├── Forbidden           known, but may not          (HTTP 403)
    │   ├── NotFound            no such thing for this asker (HTTP 404)
    │   ├── Conflict            not in this state or version (HTTP 409)
    │   ├── Gone                it was there and has ended   (HTTP 410)
    │   └── Invalid             understood, and not allowed  (HTTP 422)
    └── ProtocolViolation       outside input made no sense; count it, answer it, carry on

A broken invariant of ours is an ``assert``, never one of these.
Messages never hold a secret, an SDP body or a person's name.
"""


class RemoteAssistError(Exception):
    """Carry a stable machine-readable ``code`` and a human sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Rejected(RemoteAssistError):
    """A rule said no."""


class Unauthenticated(Rejected):
    """The asker did not prove who they are."""


class Forbidden(Rejected):
    """The asker is known and may not do this."""


class NotFound(Rejected):
    """There is no such thing, or not for this asker."""


class Conflict(Rejected):
    """The thing is not in a state, or at a version, that allows this."""


class Gone(Rejected):
    """The thing has ended for good."""


class Invalid(Rejected):
    """The request is well-formed and still not acceptable."""


class ProtocolViolation(RemoteAssistError):
    """Input from outside made no sense. Raised by ``*_untrusted`` parsers, and nothing else escapes them."""
