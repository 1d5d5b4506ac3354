"""A real browser: Debian's Chromium without a screen, told what to do over a pipe (Chrome DevTools Protocol)."""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")


class Tab:
    """One tab."""

    def __init__(self, out: int, back: int) -> None:
        self._out, self._back, self._read = out, back, b""
        self._numbers, self._session = itertools.count(1), ""
        target = self.tell("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.tell("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.troubles: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.tell(f"{domain}.enable")

    def tell(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        message |= {"sessionId": self._session} if self._session else {}
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return answer["result"]
            if answer.get("method") == "Log.entryAdded":
                self.troubles.append(answer["params"]["entry"]["text"])

    def _next(self) -> Any:
        while b"\0" not in self._read:
            some = os.read(self._back, 1 << 20)
            assert some, "the browser is gone"
            self._read += some
        one, _, self._read = self._read.partition(b"\0")
        return json.loads(one)

    def ask(self, script: str) -> Any:
        """What a script that we run in the page gives: the page itself may run none."""
        return self.tell("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def go(self, address: str) -> None:
        self.ask("window.left = true")
        self.tell("Page.navigate", url=address)
        self.loaded()

    def click(self, selector: str) -> None:
        """Clicks on what takes one to another page."""
        self.ask("window.left = true")
        assert self.ask(f"(() => {{ const it = document.querySelector({selector!r}); it?.click(); return !!it }})()")
        self.loaded()

    def loaded(self) -> None:
        for _ in range(300):
            if self.ask("document.readyState === 'complete' && !window.left"):
                return
            time.sleep(0.05)
        raise AssertionError("the page does not load")

    def type(self, selector: str, text: str) -> None:
        self.ask(f"document.querySelector({selector!r}).focus()")
        self.tell("Input.insertText", text=text)

    def press(self, key: str, code: int) -> None:
        for kind in ("rawKeyDown", "keyUp"):
            self.tell("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def enter(self) -> None:
        """Presses Enter where it takes one to another page."""
        self.ask("window.left = true")
        self.tell(
            "Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r"
        )
        self.tell("Input.dispatchKeyEvent", type="keyUp", key="Enter", code="Enter", windowsVirtualKeyCode=13)
        self.loaded()

    def size(self, width: int, height: int) -> None:
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def scheme(self, name: str) -> None:
        self.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def picture(self, place: Path, *, whole: bool = True) -> None:
        data = self.tell("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        place.write_bytes(base64.b64decode(data))


def _high(*ends: int) -> list[int]:
    """The ends of a pipe under numbers that are not 3 or 4, which they get in the browser."""
    moved = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 10) for each in ends]
    for each in ends:
        os.close(each)
    return moved


@contextmanager
def tab(folder: Path) -> Iterator[Tab]:
    """A tab of a browser that keeps its profile in a folder."""
    to_it, ours_out = _high(*os.pipe())
    ours_back, from_it = _high(*os.pipe())

    def plumb() -> None:
        os.dup2(to_it, 3)
        os.dup2(from_it, 4)

    given = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"]
    given += ["--remote-debugging-pipe", "--lang=en", f"--user-data-dir={folder}", "--hide-scrollbars"]
    process = subprocess.Popen(
        [PROGRAM, *given],
        preexec_fn=plumb,
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"HOME": str(folder)},
    )
    os.close(to_it)
    os.close(from_it)
    try:
        yield Tab(ours_out, ours_back)
    finally:
        process.kill()
        process.wait()
        os.close(ours_out)
        os.close(ours_back)
