"""Names of files that a user types."""

LONGEST = 200
"""Bytes of a part of a path: file systems take 255, and a number and an ending are added."""


def check_file_name(name: str, given: str) -> None:
    """Raise ValueError where no file can have the name; given: the input that it comes from."""
    if any(ord(one) < 32 for one in name):
        raise ValueError(f"{given}: expected a name in one line, got {name[:40]!r}.")
    longest = max(name.replace("\\", "/").split("/"), key=len)
    if len(longest.encode("utf-8", "replace")) > LONGEST:
        raise ValueError(
            f"{given}: expected names of at most {LONGEST} bytes, got {longest[:40]!r} and more. "
            "Shorten it."
        )
