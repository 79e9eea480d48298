"""What demo mode prints: where to begin. Pure."""

from remote_assist.api.lan import qr_for_terminal


def text(
    *, first_screen: str, customer_url: str, technician_url: str, api_key: str, phone_url: str | None
) -> str:
    """Return the block of text, with a QR code for a phone where there is HTTPS on the local network."""
    lines = [
        "",
        "  Remote Assist is running. Begin here:",
        f"    {first_screen}/",
        "",
        "  Or open both ends of a session that waits for you:",
        f"    customer    {customer_url}",
        f"    technician  {technician_url}",
        "",
        f"  API key       {api_key}",
        f"  API docs      {first_screen}/api/docs/",
    ]
    if phone_url:
        lines += [
            "",
            "  With a phone on this network (its browser will ask about the certificate once):",
            f"    {phone_url}",
            "",
            *("    " + row for row in qr_for_terminal(phone_url).splitlines()),
        ]
    lines += ["", "  Ctrl+C stops it.", ""]
    return "\n".join(lines) + "\n"
