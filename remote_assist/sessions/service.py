"""Every use case of a session in one place. Async and world-free: the world comes in through ports.

All methods raise ``errors.Rejected`` subclasses when a rule says no. ``partner_id`` None means that the
asker is the server itself or a participant whose token has been checked.
"""

from remote_assist.sessions.attendance import Attendance
from remote_assist.sessions.evidence import Witness
from remote_assist.sessions.opening import Opening
from remote_assist.sessions.ratings import Ratings
from remote_assist.sessions.settlement import Settlement


class SessionService(Opening, Attendance, Witness, Settlement, Ratings):
    """Open, attend, measure, close, settle and rate sessions.

    ``Opening``: open_session, view, list_sessions, log, find_link.
    ``Attendance``: join, leave, admit, pause, resume, record_fault, close, post_chat, chat.
    ``Witness``: take_home, record_evidence, renew_leases, flush_done, recover.
    ``Settlement``: assessment, settle, usage_record, usage_records, receipt, and the two jobs.
    ``Ratings``: rate, ratings.
    """
