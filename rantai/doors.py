"""Where to go and who to be: what is printed when a demo is ready, on this machine or in containers."""

from __future__ import annotations

from collections.abc import Sequence


def doors(
    address: str, *, gateway: str | None, phone: bool = False, log_ins: Sequence[tuple[str, str, str]], below: str
) -> str:
    """Addresses and log-ins (user name, password, who it is) between two rules, with a last line of the caller's."""
    lines = [f"  Pages:  {address}/", f"  API:    {address}/openapi.json"]
    if gateway is not None:
        lines.append(f"  SMS:    {gateway}/   what the simulated gateways were given")
        if phone:
            lines.append(f"  Phone:  {gateway}/hp   WhatsApp, SMS and *119# to try out")
    if log_ins:
        width = max(len(username) for username, _password, _who in log_ins)
        lines.append("  Log-ins (user / password):")
        lines += [f"    {username:<{width}} / {password}   {who}" for username, password, who in log_ins]
    rule = "-" * 78
    return "\n".join([rule, *lines, f"  {below}", rule])
