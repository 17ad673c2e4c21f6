#!/usr/bin/python3
"""Looks at a report page in a real browser: check_report.py FILE.html [--shots FOLDER]. Needs chromium and fonts.

At 400 and 1400 pixels, in light and dark: no request leaves the page, nothing is written to the console, the page does
not scroll sideways, every text has a contrast of at least 4.5 to what is behind it, the Tab key reaches everything that
can be scrolled or read number by number, the arrow keys go on from there, and the focused number is shown. Leaves a
screenshot of each; exits with 1 at the first thing that does not hold.
"""
import argparse
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

CONTRAST = r"""
(() => {
  const parse = c => { const m = c.match(/[\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const linear = v => v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
  const luminance = c => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
  const behind = e => {
    for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; }
    return [255, 255, 255, 1];
  };
  let worst = [99, ''], count = 0;
  for (const e of document.querySelectorAll('body *')) {
    if (e.tagName === 'SCRIPT' || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const style = getComputedStyle(e), svg = e.namespaceURI.endsWith('svg');
    const a = luminance(parse(svg ? style.fill : style.color)), b = luminance(behind(e));
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    count++;
    if (contrast < worst[0]) worst = [contrast, e.tagName + '.' + e.getAttribute('class') + ' ' + e.textContent.slice(0, 40)];
  }
  return { contrast: worst[0], where: worst[1], texts: count };
})()
"""

FOCUS = r"""
(() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const box = e.closest('[data-columns]'), tip = e.querySelector('.tip, text');
  const ring = e.matches('.stop') ? getComputedStyle(e.querySelector('rect')).strokeWidth : getComputedStyle(e).outlineWidth;
  return {
    what: e.tagName + '.' + (e.getAttribute('class') ?? ''), box: box ? [...document.querySelectorAll('[data-columns]')].indexOf(box) : -1,
    tip: tip ? getComputedStyle(tip).visibility : null, text: (e.getAttribute('aria-label') ?? e.textContent).slice(0, 90), ring: parseFloat(ring),
  };
})()
"""


class Browser:
    """Chromium, spoken to over a pipe (the DevTools protocol)."""

    def __init__(self, binary, profile):
        read_end, self.out = os.pipe()
        self.inp, write_end = os.pipe()
        for descriptor, place in ((read_end, 3), (write_end, 4)):
            os.set_inheritable(descriptor, True)

        def place_pipes():
            first, second = os.dup(read_end), os.dup(write_end)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self.process = subprocess.Popen(
            [binary, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=place_pipes, close_fds=False, stderr=subprocess.DEVNULL)
        self.number, self.buffer, self.events, self.session = 0, b"", [], None
        target = next(t for t in self("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self(f"{domain}.enable")

    def __call__(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.next()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def next(self):
        while b"\0" not in self.buffer:
            part = os.read(self.inp, 1 << 20)
            if not part:
                raise RuntimeError("the browser ended")
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def wait_for(self, method):
        while not any(e.get("method") == method for e in self.events):
            self.events.append(self.next())

    def evaluate(self, expression):
        result = self("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"]["exception"]["description"])
        return result["result"].get("value")

    def press(self, key):
        code = {"Tab": 9, "ArrowRight": 39, "ArrowDown": 40, "End": 35}[key]
        for kind in ("rawKeyDown", "keyUp"):
            self("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)


def require(holds, message):
    if not holds:
        sys.exit(f"FAILED: {message}")


def check(browser, page, width, theme, shots):
    name = f"{page.stem}-{width}-{theme}"
    browser("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
    browser("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
    browser.events.clear()
    browser("Page.navigate", url=page.as_uri())
    browser.wait_for("Page.loadEventFired")

    extent = browser.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    require(extent[0] <= width, f"{name}: the page is {extent[0]} pixels wide")
    readable = browser.evaluate(CONTRAST)
    require(readable["contrast"] >= 4.5, f"{name}: contrast {readable['contrast']:.2f} at {readable['where']}")
    broken = browser.evaluate("[...document.images].filter(i => !i.complete || i.naturalWidth === 0).length")
    require(broken == 0, f"{name}: {broken} images cannot be shown")

    # A texture of the browser is at most 16384 pixels high.
    shot = browser("Page.captureScreenshot", captureBeyondViewport=True, clip={"x": 0, "y": 0, "width": width, "height": min(extent[1], 16000), "scale": 1})
    (shots / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    stops, boxes, first = 0, set(), None
    wanted = browser.evaluate("document.querySelectorAll('[data-columns]').length")
    for _ in range(2000):
        browser.press("Tab")
        focus = browser.evaluate(FOCUS)
        if focus is None or focus == first:
            break
        first = first or focus
        stops += 1
        require(focus["ring"] >= 2, f"{name}: no focus ring at {focus['what']} {focus['text']}")
        if focus["box"] >= 0 and focus["box"] not in boxes:
            boxes.add(focus["box"])
            require(focus["tip"] == "visible", f"{name}: the focused number is hidden: {focus['what']} {focus['text']}")
            browser.press("ArrowRight")
            shot = browser("Page.captureScreenshot")
            (shots / f"{name}-focus{len(boxes)}.png").write_bytes(base64.b64decode(shot["data"]))
            browser.press("End")
            moved = browser.evaluate(FOCUS)
            require(moved["box"] == focus["box"] and moved["tip"] == "visible", f"{name}: the arrow keys leave {focus['text']}")
    require(len(boxes) == wanted, f"{name}: Tab reaches {len(boxes)} of {wanted} charts and matrices")

    for event in browser.events:
        kind, given = event.get("method"), event.get("params", {})
        require(kind not in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"), f"{name}: {json.dumps(given)[:500]}")
        if kind == "Network.requestWillBeSent":
            url = given["request"]["url"]
            require(url.startswith("data:") or url == page.as_uri(), f"{name}: requests {url[:100]}")
    print(f"{name}: {extent[0]}×{extent[1]} pixels, {readable['texts']} texts, least contrast {readable['contrast']:.2f}, {stops} stops of Tab, {wanted} charts and matrices")


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("page", type=pathlib.Path)
    arguments.add_argument("--shots", type=pathlib.Path, default=None, help="the folder of the screenshots [default: the page's]")
    options = arguments.parse_args()
    page = options.page.resolve()
    shots = options.shots or page.parent
    shots.mkdir(parents=True, exist_ok=True)
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or sys.exit("chromium is not installed: apt-get install chromium fonts-dejavu-core")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(binary, profile)
        try:
            for width in (400, 1400):
                for theme in ("light", "dark"):
                    check(browser, page, width, theme, shots)
        finally:
            browser.process.terminate()
            browser.process.wait()


if __name__ == "__main__":
    main()
