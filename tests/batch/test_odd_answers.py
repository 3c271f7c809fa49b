"""Addresses that answer otherwise than ComfyUI does are lost servers, told as such."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from elect_tino.batch.fleet import AllServersLost, Fleet
from elect_tino.batch.jobs import Job, Order, ServerLost
from elect_tino.batch.places import Places
from elect_tino.batch.servers import ComfyHost

PAGE = b"<html>Please log in</html>"


@contextmanager
def answering(body: bytes, status: int = 200) -> Iterator[str]:
    """The address of a server that says this to whatever it is asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("body", [b"null", b"[]", b"5", b"", b"{", PAGE, b"[" * 100_000])
def test_what_is_no_object_is_a_lost_server(body):
    with answering(body) as url:
        host = ComfyHost(url)
        with pytest.raises(ServerLost, match="Is this ComfyUI's address"):
            host.load()
        with pytest.raises(ServerLost, match="Is this ComfyUI's address"):
            host.carry_out(Order({}, {}, "1"))


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"exec_info": null}',
        b'{"exec_info": []}',
        b'{"exec_info": {"queue_remaining": "x"}}',
    ],
)
def test_a_queue_of_no_length_is_a_lost_server(body):
    with answering(body) as url, pytest.raises(ServerLost, match="is it ComfyUI"):
        ComfyHost(url).load()


def test_a_refusal_in_odd_words_is_told():
    with answering(PAGE, 400) as url, pytest.raises(ServerLost, match="Please log in"):
        ComfyHost(url).carry_out(Order({}, {}, "1"))


def test_a_fleet_of_such_servers_ends_and_says_why():
    with answering(PAGE) as url:
        fleet = Fleet([ComfyHost(url)], patience=0.5, rest=0.1)
        with pytest.raises(AllServersLost, match="Please log in"):
            list(fleet.work_off(iter([Job("a", "m", Places({}))])))
