"""Addresses: near ones by default, no secrets in a URL, keys only from named variables."""

import pytest

from elect_tino.judging.address import is_near, parse, read_key


@pytest.mark.parametrize(
    ("url", "api"),
    [
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434/v1"),
        ("http://localhost:1234/v1/", "http://localhost:1234/v1"),
        ("https://host/api/v3", "https://host/api/v3"),
        ("http://[::1]:8080/v1/chat/completions", "http://[::1]:8080/v1"),
    ],
)
def test_base_urls_as_people_write_them(url, api):
    assert parse(url).api == api


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:11434",
        "file:///etc/passwd",
        "ftp://host/v1",
        "http://",
        "http://user:secret@host/v1",
        "http://host/v1?key=secret",
        "http://host:port/v1",
        "http://[::1/v1",
        "http://a..b/v1",
        f"http://{'a' * 70}.de/v1",
    ],
)
def test_other_addresses_are_refused_without_repeating_a_secret(url):
    with pytest.raises(ValueError, match="^base_url: expected") as refusal:
        parse(url)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("ip", "near"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("10.1.2.3", True),
        ("192.168.0.7", True),
        ("fd00::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:8.8.8.8", False),
        ("8.8.8.8", False),
        ("169.254.169.254", False),  # where clouds keep credentials
        ("fe80::1%eth0", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("2606:4700::1111", False),
    ],
)
def test_near_is_this_machine_and_private_networks(ip, near):
    assert is_near(ip) is near


def test_a_key_is_read_from_a_named_variable_and_never_shown(monkeypatch):
    monkeypatch.setenv("MY_API_KEY", " sk-123 ")
    assert read_key("MY_API_KEY") == "sk-123"
    assert read_key("") == ""
    for wrong in ("sk-123", "PATH", "AWS_SECRET_ACCESS_KEY", "my_api_key"):
        with pytest.raises(ValueError, match="^key_variable: expected the name") as refusal:
            read_key(wrong)
        assert "sk-123" not in str(refusal.value)
    with pytest.raises(ValueError, match="OTHER_API_KEY is not set"):
        read_key("OTHER_API_KEY")
    for spoilt in ("sk-123\nsk-456", "Bearer sk-123", "\u201csk-123\u201d"):
        monkeypatch.setenv("MY_API_KEY", spoilt)
        with pytest.raises(ValueError, match="MY_API_KEY holds more than a key") as refusal:
            read_key("MY_API_KEY")
        assert "sk-123" not in str(refusal.value)
