"""Where others hand things in: a unix socket, one JSON document a line, one reply line for each."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any, cast, get_args

from drills.recorder.process import Reason, Recorder, Refused

LINE_BYTES_MAX = 4 * 1024 * 1024


class Desk:
    """Answers whoever connects. The connection that said `attach` is the orchestrator: see it break."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._talks: set[asyncio.Task[None]] = set()

    async def open(self, path: Path) -> asyncio.Server:
        """Listen on `path`, for this user alone. Raises OSError."""
        server = await asyncio.start_unix_server(self._begin, path, limit=LINE_BYTES_MAX)
        path.chmod(0o600)
        return server

    async def last_words(self, limit_seconds: float) -> None:
        """Give those who still talk a moment to hear their replies."""
        if self._talks:
            await asyncio.wait(self._talks, timeout=limit_seconds)

    async def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.create_task(self._talk(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        attached = False
        try:
            while line := await reader.readline():
                request, reply = await self._answer(line)
                attached = attached or request == {"do": "attach"}
                writer.write(json.dumps(reply, separators=(",", ":")).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):  # broken off, a line beyond all measure, or our disk failed: no reply
            return
        finally:
            writer.close()
            if attached:
                self._recorder.orphan()

    async def _answer(self, line: bytes) -> tuple[object, dict[str, object]]:
        request: object = None
        try:
            request = json.loads(line)
            return request, await self._grant(request)
        except ValueError as error:
            return request, {"error": str(error)}

    async def _grant(self, request: object) -> dict[str, object]:
        match request:
            case {"event": str(name), **rest}:
                return await self._event(name, cast(dict[str, Any], rest))
            case {"ask": "state"}:
                return self._recorder.state()
            case {"do": "attach"}:
                self._recorder.attach()
                return {"ok": True, "pid": os.getpid()}
            case {"do": "freeze"}:
                return {"late_ns": await self._recorder.freeze()}
            case {"do": "stop"}:
                await self._recorder.stop()
                return {"ok": True}
            case {"do": "stop old primary"}:
                await self._recorder.stop_old_primary()
                return {"ok": True}
            case {"do": "verify"}:
                await self._recorder.verify()
                return {"ok": True}
            case {"do": "finish", "reason": reason} if reason in get_args(Reason):
                sha256, records = await self._recorder.finish(cast(Reason, reason))
                return {"sha256": sha256, "records": records}
        raise Refused("not a request that the recorder knows")

    async def _event(self, name: str, rest: dict[str, Any]) -> dict[str, object]:
        source, detail = rest.get("source"), rest.get("detail", {})
        if source not in {"drill", "responder", "operator"} or not isinstance(detail, dict):
            raise Refused(f"event {name!r} needs a source (drill, responder, operator) and a detail object")
        seq, ns = await self._recorder.event(name, source, detail, sync=bool(rest.get("sync", False)))
        return {"seq": seq, "ns": ns}
