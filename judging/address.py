"""Where a server may be: this machine and private networks, others only by an explicit switch."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

KEY_NAME = re.compile(r"[A-Z][A-Z0-9_]*_API_KEY|API_KEY")


@dataclass(frozen=True)
class Address:
    """root: scheme, host and port; api: with the path that /chat/completions is added to."""

    root: str
    api: str
    host: str
    secure: bool


def parse(base_url: str) -> Address:
    """A base URL as people write it; without a path, /v1 is meant. Raises ValueError."""
    wrong = "base_url: expected something like http://127.0.0.1:11434/v1"
    url = base_url.strip()
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        (host or "").encode("idna")  # as the name is looked up
    except ValueError:
        raise ValueError(f"{wrong}; this is no address.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError(f"{wrong}, with http or https.")
    if parts.username or parts.password or parts.query or parts.fragment:
        # Not shown: what stands there is likely a secret.
        raise ValueError(
            f"{wrong}, without a user, a password or anything behind ? or #: a workflow is saved "
            "with it. A key goes into an environment variable that key_variable names."
        )
    root = f"{parts.scheme}://{parts.netloc}"
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    return Address(root, root + (path or "/v1"), host, parts.scheme == "https")


def is_near(ip: str) -> bool:
    """Whether an IP address is this machine or a private network, and no link-local one.

    Link-local addresses are where clouds keep their machines' credentials.
    """
    address = ipaddress.ip_address(ip.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    if address.is_loopback:
        return True
    outside = address.is_link_local or address.is_multicast or address.is_unspecified
    return address.is_private and not outside


def check_near(ip: str, host: str) -> None:
    """Raise ValueError unless the address is near."""
    if not is_near(ip):
        raise ValueError(
            f"base_url: {host} is outside this machine and private networks. Pictures would leave "
            "them; set allow_public if that is what you want."
        )


def literal(host: str) -> str | None:
    """The host where it is an IP address itself."""
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return host


def read_key(variable: str) -> str:
    """The key in an environment variable; empty where none is named. Raises ValueError.

    Only names that end in API_KEY: a stranger's workflow must not send other secrets away.
    """
    variable = variable.strip()
    if not variable:
        return ""
    if not KEY_NAME.fullmatch(variable):
        # Not shown: people paste the key itself here.
        raise ValueError(
            "key_variable: expected the name of an environment variable that ends in API_KEY, such "
            "as OPENAI_API_KEY; never the key itself, which would be saved with the workflow."
        )
    key = os.environ.get(variable, "").strip()
    if not key:
        raise ValueError(
            f"key_variable: {variable} is not set where ComfyUI runs. Set it and start ComfyUI "
            "again, or leave key_variable empty."
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError(
            f"key_variable: {variable} holds more than a key: blanks, line breaks or letters that "
            "no key has. Set it to the key alone."
        )
    return key
