"""Addresses of clusters in settings."""

from urllib.parse import urlsplit


def checked_address(address: str) -> str:
    """Returns an address without a slash at its end.

    Raises:
        ValueError: It is not an http address, or it holds a user or a password.
    """
    parts = urlsplit(address)
    if parts.password is not None or parts.username is not None:
        # Not repeated in the message: it would be in the log.
        raise ValueError(f"must hold no user and no password; received one for {parts.hostname}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must begin with https:// or http:// and name a host")
    return address.rstrip("/")
