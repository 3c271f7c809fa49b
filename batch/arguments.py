"""Arguments that every command over servers has, and what they stand for."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from ..harness.server.client import ComfyClient
from ..harness.workflows.workflow import to_prompt
from .fleet import Fleet, Server
from .places import Places, find_places
from .servers import ComfyHost

HERE = "http://127.0.0.1:8188"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--server", dest="servers", action="append", metavar="URL", help=f"ComfyUI; or {HERE}"
    )
    parser.add_argument(
        "--ray", metavar="ADDRESS", help="over the nodes of this Ray cluster; auto: the one here"
    )
    parser.add_argument(
        "--place", dest="places", action="append", default=[], metavar="PLACE=NODE.INPUT"
    )
    parser.add_argument(
        "--set", dest="settings", action="append", default=[], metavar="NODE.INPUT=VALUE"
    )
    parser.add_argument("--timeout", type=float, default=1800, help="seconds a picture may take")
    parser.add_argument("--tries", type=int, default=2, help="servers a picture may fail on")
    parser.add_argument("--patience", type=float, default=600, help="seconds without any server")
    parser.add_argument("--retry-failed", action="store_true", help="what failed, and nothing else")
    parser.add_argument("--redo", action="store_true", help="make anew what was made differently")


def fleet_of(args: argparse.Namespace) -> Fleet:
    """The servers of the arguments. Raises ValueError for one named twice."""
    urls = [url.rstrip("/") for url in args.servers or [HERE]]
    if len(set(urls)) < len(urls) or args.tries < 1:
        raise ValueError("--server: expected each once; --tries: expected 1 or more.")
    hosts: Sequence[Server] = [ComfyHost(url, args.timeout) for url in urls]
    if args.ray:
        from .ray_cluster import hosts_of

        hosts = hosts_of(args.ray, urls, args.timeout)
    return Fleet(hosts, args.tries, args.patience)


def workflow_of(path: Path, args: argparse.Namespace) -> Places:
    """A workflow file, in API form or as the frontend saves it, with its places. Raises ValueError.

    The frontend's form is turned into the other with the first server's list of nodes.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: expected a workflow in JSON ({error}).") from error
    if isinstance(told, dict) and "nodes" in told:
        told = to_prompt(told, ComfyClient((args.servers or [HERE])[0]).object_info())
    if not isinstance(told, dict) or not all(map(_is_node, told.values())):
        raise ValueError(f"{path}: expected a workflow that ComfyUI saved (API form is best).")
    return find_places(told, args.places).fixed(args.settings)


def _is_node(node: object) -> bool:
    """Whether it is a node in API form."""
    return (
        isinstance(node, dict)
        and isinstance(node.get("class_type"), str)
        and isinstance(node.get("inputs"), dict)
    )
