"""The line editor: what it keeps, what it replaces, and what it refuses."""

import contextlib
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from remote_assist.errors import ProtocolViolation
from remote_assist.media import sdp
from remote_assist.media.sdp import Description, Kind, LocalTransport, parse_untrusted

CAPTURES = sorted((Path(__file__).parent.parent / "data" / "sdp").glob("*.sdp"))
LOCAL = LocalTransport(
    ufrag="relayUfrag00",
    pwd="relayPwd000000000000000000000000",
    fingerprint=":".join(["AB"] * 32),
    setup="actpass",
    candidates=(("203.0.113.7", 10_000), ("127.0.0.1", 10_000)),
)
# Written apart from the code under test: all that belongs to a sender's transport.
TRANSPORT = re.compile(
    r"(?m)^(a=(candidate|remote-candidates|ice-ufrag|ice-pwd|ice-options|fingerprint|setup|tls-id|rtcp):.*"
    r"|a=(end-of-candidates|ice-lite|cryptex)|a=crypto:.*|c=.*)\r\n"
)
PORT = re.compile(r"(?m)^(m=\w+) \d+")

FINGERPRINT = ":".join(["0F"] * 32)
SESSION = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0 1"]
TRANSPORT_LINES = [
    "a=ice-ufrag:abcd",
    "a=ice-pwd:abcdefghijklmnopqrstuv",
    f"a=fingerprint:sha-256 {FINGERPRINT}",
    "a=setup:actpass",
]
AUDIO = ["m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", *TRANSPORT_LINES, "a=mid:0", "a=rtcp-mux"]
DATA = ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", *TRANSPORT_LINES, "a=mid:1"]


def text(*parts: list[str]) -> str:
    return "".join(f"{line}\r\n" for part in parts for line in part)


def kind_of(path: Path) -> Kind:
    return "offer" if path.stem.endswith("offer") else "answer"


def read(path: Path) -> str:
    return path.read_bytes().decode()


def without(lines: list[str], prefix: str) -> list[str]:
    return [line for line in lines if not line.startswith(prefix)]


def refused(source: str, kind: Kind = "offer") -> str:
    with pytest.raises(ProtocolViolation) as caught:
        parse_untrusted(source, kind)
    return caught.value.code


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_all_but_the_transport_is_kept_byte_for_byte(path: Path) -> None:
    """What a real browser says beside its transport reaches the far side unchanged."""
    source = read(path)
    carried = parse_untrusted(source, kind_of(path)).with_transport(LOCAL)
    assert PORT.sub(r"\1 0", TRANSPORT.sub("", carried)) == PORT.sub(r"\1 0", TRANSPORT.sub("", source))


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_nothing_of_the_sender_s_transport_is_left(path: Path) -> None:
    """No credential, certificate, candidate or address of a sender passes."""
    carried = parse_untrusted(read(path), kind_of(path)).with_transport(LOCAL)
    named = re.findall(r"(?m)^a=(?:ice-ufrag|ice-pwd|fingerprint|setup|candidate):(.*)\r$", carried)
    ours = {LOCAL.ufrag, LOCAL.pwd, f"sha-256 {LOCAL.fingerprint}", LOCAL.setup}
    assert {value for value in named if "typ host" not in value} == ours
    assert {value.split(" ")[4] for value in named if "typ host" in value} == {"203.0.113.7", "127.0.0.1"}
    assert set(re.findall(r"(?m)^c=(.*)\r$", carried)) == {"IN IP4 203.0.113.7"}


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_every_section_with_a_transport_gets_ours_and_no_other(path: Path) -> None:
    """A section that is live or bundle-only has our four lines; ports are ours or stay 0."""
    source, kind = read(path), kind_of(path)
    before = source.split("\r\nm=")[1:]
    after = parse_untrusted(source, kind).with_transport(LOCAL).split("\r\nm=")[1:]
    for was, became in zip(before, after, strict=True):
        is_off = was.split(" ")[1] == "0"
        has_transport = not is_off or "a=bundle-only" in was
        assert became.split(" ")[1] == ("0" if is_off else "10000")
        assert became.count("a=ice-ufrag:") == became.count("a=fingerprint:") == int(has_transport)
        assert became.count("a=candidate:") == 2 * int(has_transport)


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_what_was_carried_can_be_carried_again(path: Path) -> None:
    """Our own output is a valid description of an ICE-lite sender, and only that is held against it."""
    carried = parse_untrusted(read(path), kind_of(path)).with_transport(
        LocalTransport(LOCAL.ufrag, LOCAL.pwd, LOCAL.fingerprint, "active", LOCAL.candidates)
    )
    assert refused(carried, kind_of(path)) == "sdp_ice_lite"
    again = parse_untrusted(carried.replace("a=ice-lite\r\n", ""), kind_of(path))
    assert again.transport.ufrag == LOCAL.ufrag
    assert again.with_transport(LOCAL).count("\r\n") == carried.count("\r\n")


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_a_truncated_description_is_refused_or_complete(path: Path) -> None:
    """Cut anywhere, a description gives a value or a violation, and nothing else."""
    source = read(path)
    for end in range(0, len(source), 53):
        with contextlib.suppress(ProtocolViolation):
            parse_untrusted(source[:end], kind_of(path)).with_transport(LOCAL)


def test_the_transport_of_a_browser_is_read() -> None:
    """Credentials, certificate and role are those of the section that carries the bundle."""
    chromium = parse_untrusted(read(CAPTURES[0].parent / "chromium-156-answer.sdp"), "answer").transport
    assert (len(chromium.ufrag), len(chromium.pwd), chromium.setup) == (4, 24, "active")
    assert [name for name, _ in chromium.fingerprints] == ["sha-256"]
    firefox = parse_untrusted(read(CAPTURES[0].parent / "firefox-153-offer.sdp"), "offer").transport
    assert (len(firefox.ufrag), len(firefox.pwd), firefox.setup) == (8, 32, "actpass")
    assert [len(digest) for _, digest in firefox.fingerprints] == [95]


def test_pictures_are_known_from_repair_streams() -> None:
    """Only payload types that carry pictures count as video; sound and retransmission do not."""
    firefox = parse_untrusted(read(CAPTURES[0].parent / "firefox-153-offer.sdp"), "offer")
    assert firefox.video_payloads == {120, 121, 99, 122}


def carried(*parts: list[str], kind: Kind = "offer") -> list[str]:
    return parse_untrusted(text(*parts), kind).with_transport(LOCAL).split("\r\n")


def test_a_rejected_section_stays_rejected_and_bare() -> None:
    """Port 0 stays 0, and a rejected section neither keeps nor gets a transport."""
    rejected = [
        "m=video 0 UDP/TLS/RTP/SAVPF 0",
        "c=IN IP4 10.1.2.3",
        *TRANSPORT_LINES,
        "a=mid:1",
        "a=inactive",
    ]
    lines = carried(SESSION, AUDIO, rejected)
    assert lines[lines.index("m=video 0 UDP/TLS/RTP/SAVPF 0") :] == [
        "m=video 0 UDP/TLS/RTP/SAVPF 0",
        "c=IN IP4 203.0.113.7",
        "a=mid:1",
        "a=inactive",
        "",
    ]


def test_an_answer_knows_no_bundle_only() -> None:
    """Bundle-only is for offers (RFC 8843 section 6); in an answer port 0 is a refusal."""
    section = ["m=video 0 UDP/TLS/RTP/SAVPF 96", "c=IN IP4 0.0.0.0", "a=bundle-only", "a=mid:1", "a=rtcp-mux"]
    active = [line.replace("actpass", "active") for line in AUDIO]
    assert carried(SESSION, active, section, kind="answer").count("a=setup:actpass") == 1
    assert carried(SESSION, AUDIO, section).count("a=setup:actpass") == 2


def test_a_session_level_transport_counts_where_the_section_is_silent() -> None:
    """Transport at session level is read, and replaced in each section."""
    session = [*SESSION[:4], *TRANSPORT_LINES, "c=IN IP4 192.0.2.1"]
    section = ["m=audio 9 UDP/TLS/RTP/SAVPF 111", "i=voice", "b=AS:100", "a=rtcp-mux", "a=mid:0"]
    description = parse_untrusted(text(session, section), "offer")
    assert description.transport.ufrag == "abcd"
    lines = description.with_transport(LOCAL).split("\r\n")
    assert lines[4:8] == [
        "c=IN IP4 203.0.113.7",
        "a=ice-lite",
        "m=audio 10000 UDP/TLS/RTP/SAVPF 111",
        "i=voice",
    ]
    assert lines[8:10] == ["b=AS:100", "a=ice-ufrag:relayUfrag00"]


def test_a_missing_connection_line_is_added_where_the_grammar_wants_it() -> None:
    """A section without any c= line gets one after its title, before bandwidth and attributes."""
    lines = carried(SESSION[:4], ["m=audio 9 RTP/SAVPF 0", "i=voice", *TRANSPORT_LINES, "a=rtcp-mux"])
    assert lines[6:8] == ["i=voice", "c=IN IP4 203.0.113.7"]
    lines = carried(SESSION[:4], ["m=audio 9 RTP/SAVPF 0", *TRANSPORT_LINES, "a=rtcp-mux"])
    assert lines[5:7] == ["m=audio 10000 RTP/SAVPF 0", "c=IN IP4 203.0.113.7"]


def test_a_section_without_lines_of_its_own_is_complete_afterwards() -> None:
    """A data section that leans on the session for everything still gets its transport."""
    lines = carried([*SESSION[:4], *TRANSPORT_LINES], ["m=application 9 DTLS/SCTP 5000"])
    assert lines[5:8] == [
        "m=application 10000 DTLS/SCTP 5000",
        "c=IN IP4 203.0.113.7",
        "a=ice-ufrag:relayUfrag00",
    ]


def test_candidates_follow_the_order_of_the_addresses() -> None:
    """Each address is one host candidate, the first one preferred; an IPv6 address is told as such."""
    local = LocalTransport("u" * 4, "p" * 22, FINGERPRINT, "passive", (("2001:db8::1", 9), ("192.0.2.1", 9)))
    lines = parse_untrusted(text(SESSION, AUDIO), "offer").with_transport(local).split("\r\n")
    assert "c=IN IP6 2001:db8::1" in lines
    assert [line for line in lines if line.startswith("a=candidate")] == [
        "a=candidate:1 1 udp 2130706431 2001:db8::1 9 typ host",
        "a=candidate:2 1 udp 2130706175 192.0.2.1 9 typ host",
    ]


def test_keys_beside_dtls_are_dropped() -> None:
    """SDES keys, cryptex and header extensions encrypted hop by hop do not pass; others do."""
    extra = [
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x",
        "a=cryptex",
        "a=extmap:3 urn:ietf:params:rtp-hdrext:encrypt urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=rtcp-fb:111 transport-cc",
    ]
    assert carried(SESSION, [*AUDIO, *extra])[-3:] == [*extra[3:], ""]


def test_bare_line_feeds_leave_as_crlf() -> None:
    """A description with LF endings is understood and leaves with CRLF."""
    source = text(SESSION, AUDIO)
    assert carried(SESSION, AUDIO) == parse_untrusted(source.replace("\r\n", "\n"), "offer").with_transport(
        LOCAL
    ).split("\r\n")


def test_fingerprints_of_strong_hashes_are_all_read_once() -> None:
    """SHA-256 and longer count, in any case of letters; a weaker one beside them is ignored."""
    audio = [
        *AUDIO,
        f"a=fingerprint:SHA-512 {':'.join(['aa'] * 64)}",
        f"a=fingerprint:sha-1 {':'.join(['BB'] * 20)}",
    ]
    transport = parse_untrusted(text(SESSION, audio, []), "offer").transport
    assert transport.fingerprints == (("sha-256", FINGERPRINT), ("sha-512", ":".join(["AA"] * 64)))


def test_the_section_that_carries_the_bundle_is_the_first_of_the_group() -> None:
    """The order of mids in the group decides, not the order of sections (RFC 8843 section 7)."""
    session = [*SESSION[:4], "a=group:LS 0 1", "a=group:BUNDLE 1 0"]
    data = [line.replace("abcd", "efgh", 1) for line in DATA]
    assert parse_untrusted(text(session, AUDIO, data), "offer").transport.ufrag == "efgh"


FIRST = SESSION[:4]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("", "sdp_invalid"),
        ("v=1\r\n", "sdp_invalid"),
        ("v=0\r\n\r\ns=-\r\n", "sdp_invalid"),
        ("v=0\r\ns=\x00\r\n", "sdp_invalid"),
        ("v=0\r\ns=\ud800\r\n", "sdp_invalid"),
        ("v=0\r\ns=é\r\n", "sdp_no_media"),
        (text(SESSION), "sdp_no_media"),
        (text(SESSION, ["m=audio 0 UDP/TLS/RTP/SAVPF 0"]), "sdp_no_media"),
        (text(SESSION, ["m=audio 65536 UDP/TLS/RTP/SAVPF 0"]), "sdp_invalid"),
        (text(SESSION, ["m=audio x UDP/TLS/RTP/SAVPF 0"]), "sdp_invalid"),
        ("x" * (sdp.MAX_BYTES + 1), "sdp_too_large"),
        ("é" * (sdp.MAX_BYTES // 2 + 1), "sdp_too_large"),
        ("v=0\r\n" * (sdp.MAX_LINES + 1), "sdp_too_many_lines"),
        (text(SESSION, AUDIO, ["a=" + "x" * sdp.MAX_LINE_CHARS]), "sdp_line_too_long"),
        (text(SESSION, AUDIO, ["a=ssrc:1 cname:x"] * (sdp.MAX_SSRC_LINES + 1)), "sdp_too_many_ssrcs"),
        (text(SESSION, *[["m=audio 0 x 0"]] * (sdp.MAX_MEDIA + 1)), "sdp_too_many_media"),
        (text(SESSION, ["a=ice-lite"], AUDIO), "sdp_ice_lite"),
        (text(FIRST, AUDIO, DATA), "sdp_not_bundled"),
        (text([*FIRST, "a=group:BUNDLE 0"], AUDIO, DATA), "sdp_not_bundled"),
        (text(SESSION, AUDIO, without(DATA, "a=mid")), "sdp_not_bundled"),
        (text(SESSION, AUDIO, AUDIO), "sdp_not_bundled"),
        (text(SESSION, without(AUDIO, "a=rtcp-mux")), "sdp_no_rtcp_mux"),
        (text(SESSION, ["m=audio 9 RTP/AVP 0", *AUDIO[1:]]), "sdp_protocol"),
        (text(SESSION, without(AUDIO, "a=ice-ufrag")), "sdp_no_ice"),
        (text(SESSION, without(AUDIO, "a=ice-pwd")), "sdp_no_ice"),
        (text(SESSION, [line.replace("abcd", "a b", 1) for line in AUDIO]), "sdp_no_ice"),
        (text(SESSION, [line.replace("qrstuv", "") for line in AUDIO]), "sdp_no_ice"),
        (text(SESSION, without(AUDIO, "a=setup")), "sdp_setup"),
        (text(SESSION, [line.replace("actpass", "holdconn") for line in AUDIO]), "sdp_setup"),
        (text(SESSION, without(AUDIO, "a=fingerprint")), "sdp_fingerprint"),
        (text(SESSION, [line.replace("sha-256", "sha-1") for line in AUDIO]), "sdp_fingerprint"),
        (text(SESSION, [line.replace("sha-256", "md5") for line in AUDIO]), "sdp_fingerprint"),
        (text(SESSION, [line.replace("0F", "XY") for line in AUDIO]), "sdp_fingerprint"),
        (
            text(SESSION, AUDIO, [f"a=fingerprint:sha-256 {':'.join([f'{n:02X}'] * 32)}" for n in range(8)]),
            "sdp_fingerprint",
        ),
    ],
)
def test_hostile_and_unfit_descriptions_are_refused_by_name(source: str, code: str) -> None:
    """What cannot be carried is refused with a stable code."""
    assert refused(source) == code


def test_an_answer_must_choose_a_role() -> None:
    """``actpass`` is an offer's right only."""
    assert refused(text(SESSION, AUDIO), "answer") == "sdp_setup"


def test_the_largest_allowed_description_is_accepted() -> None:
    """Exactly at the limits nothing is refused."""
    parts = [SESSION, AUDIO, ["a=ssrc:1 cname:x"] * sdp.MAX_SSRC_LINES]
    room = sdp.MAX_BYTES - len(text(*parts))
    parts.append(["a=" + "x" * (sdp.MAX_LINE_CHARS - 2)] * (room // (sdp.MAX_LINE_CHARS + 2)))
    parts.append(["a=" + "y" * (sdp.MAX_BYTES - len(text(*parts)) - 4)])
    assert len(text(*parts)) == sdp.MAX_BYTES
    assert isinstance(parse_untrusted(text(*parts), "offer"), Description)


SEEDS = [read(path).split("\r\n") for path in CAPTURES]
ODD_LINES = st.sampled_from(
    [
        *AUDIO,
        *DATA,
        *SESSION,
        "a=",
        "a=:",
        "m=",
        "c=",
        "a=group:BUNDLE",
        "a=mid:",
        "m=video 0 x y",
        "a=bundle-only",
    ]
)


@st.composite
def mangled(draw: st.DrawFn) -> str:
    """A real description with lines dropped, doubled, moved, replaced and cut."""
    lines = list(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 8))):
        n = draw(st.integers(0, len(lines) - 1))
        what = draw(st.integers(0, 5))
        if what == 0 and len(lines) > 1:
            del lines[n]
        elif what == 1:
            lines.insert(n, draw(st.sampled_from(lines)))
        elif what == 2:
            lines.insert(n, draw(ODD_LINES))
        elif what == 3:
            lines[n] = lines[n][: draw(st.integers(0, len(lines[n])))]
        elif what == 4:
            lines[n] += draw(st.text(max_size=20))
        else:
            m = draw(st.integers(0, len(lines) - 1))
            lines[n], lines[m] = lines[m], lines[n]
    return "\r\n".join(lines)


@given(st.one_of(mangled(), st.text(max_size=300)), st.sampled_from(["offer", "answer"]))
@example("v=0\r\nm=audio 9 RTP/SAVPF 0", "offer")
def test_whatever_comes_is_carried_or_refused(source: str, kind: Kind) -> None:
    """A parser of outside input returns a value or a violation; what it returns can be written."""
    try:
        description = parse_untrusted(source, kind)
    except ProtocolViolation:
        return
    written = description.with_transport(LOCAL)
    assert written.encode().startswith(b"v=0\r\n")
    assert written.count("a=ice-lite\r\n") == 1
    assert description.transport.fingerprints
