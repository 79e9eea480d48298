"""What the API says of usage records, webhook endpoints and deliveries."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from remote_assist.api.schemas import Id, PageQuery, Request


class ChargeOut(BaseModel):
    """One line of the bill."""

    reason: str = Field(examples=["metered_time"])
    amount_minor: int


class UsageRecordOut(BaseModel):
    """The frozen result of a session. A correction is a new revision, never an edit."""

    id: str
    session_id: str
    revision: int
    outcome: str
    billed_s: int
    evidenced_ms: int
    bridged_ms: int
    paused_ms: int
    fault_ms: int
    served_ms: int
    total_ms: int
    intervals: list[tuple[int, int]]
    charges: list[ChargeOut]
    total_minor: int
    currency: str
    needs_approval: bool
    corrects: str | None = Field(description="The id of the revision before, if any.")
    recorded_at: datetime


class UsageRecordPage(BaseModel):
    """Usage records in the order of their making."""

    items: list[UsageRecordOut]
    next_cursor: str | None


class UsageQuery(PageQuery):
    """Which usage records."""

    session_id: Id | None = None


Url = Annotated[str, Field(min_length=1, max_length=2_000, examples=["https://shop.example/hooks"])]
EventTypes = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=80)]], Field(min_length=1, max_length=50)
]


class EndpointIn(Request):
    """Where to send notices, and which; without ``event_types`` all of them."""

    url: Url
    event_types: EventTypes | None = None


class EndpointPatch(Request):
    """What to change; ``event_types`` null means all of them."""

    url: Url | None = None
    event_types: EventTypes | None = None
    enabled: bool | None = None


class EndpointOut(BaseModel):
    """Where a partner receives notices."""

    id: str
    url: str
    event_types: list[str] | None
    enabled: bool
    disabled_reason: str | None
    created_at: datetime


class NewEndpointOut(EndpointOut):
    """A new endpoint with its signing secret, shown this once."""

    secret: str = Field(examples=["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"])


class EndpointPage(BaseModel):
    """All endpoints of the partner, oldest first."""

    items: list[EndpointOut]
    next_cursor: str | None


class AttemptOut(BaseModel):
    """One try to deliver; without a reply ``status`` is null and ``error`` says why."""

    at: datetime
    status: int | None
    error: str | None


class DeliveryOut(BaseModel):
    """A notice on its way to one endpoint."""

    id: str
    endpoint_id: str
    notice_id: str
    session_id: str
    type: str
    sequence: int
    state: Literal["pending", "delivered", "dead"]
    created_at: datetime
    next_attempt_at: datetime | None
    attempts: list[AttemptOut]


class DeliveryPage(BaseModel):
    """Deliveries, newest first."""

    items: list[DeliveryOut]
    next_cursor: str | None


class DeliveryQuery(PageQuery):
    """Which deliveries."""

    endpoint_id: Id | None = None
