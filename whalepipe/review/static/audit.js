"use strict";
(() => {
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const form = one("form.case");
  const click = (selector) => {
    const found = one(selector);
    if (found && !found.disabled) found.click();
    return Boolean(found);
  };

  // The two pictures -------------------------------------------------------------------------------------------
  const stage = form && one("[data-stage]", form);
  const state = { zoom: 1, x: 0, y: 0, mirrored: false, pairs: [] };
  const pictures = () => all(".glass img", stage);
  const place = () => {
    const reach = (state.zoom - 1) / 2;
    state.x = Math.max(-reach, Math.min(reach, state.x));
    state.y = Math.max(-reach, Math.min(reach, state.y));
    pictures().forEach((picture) => {
      const mirror = state.mirrored && "theirs" in picture.dataset ? " scaleX(-1)" : "";
      picture.style.transform = `translate(${100 * state.x}%, ${100 * state.y}%) scale(${state.zoom})${mirror}`;
    });
    stage.classList.toggle("zoomed", state.zoom > 1);
    one("[data-zoom]").value = state.zoom;
    draw();
  };
  const zoom = (factor) => {
    const before = state.zoom;
    state.zoom = Math.max(1, Math.min(8, before * factor));
    state.x *= state.zoom / before;
    state.y *= state.zoom / before;
    place();
  };
  const move = (x, y) => {
    state.x += x;
    state.y += y;
    place();
  };

  // Where a point of a picture, in shares of it, lies on the stage; null where it is not to be seen.
  const spot = (picture, x, y, mirrored) => {
    const frame = stage.getBoundingClientRect();
    const box = picture.getBoundingClientRect();
    const glass = picture.parentElement.getBoundingClientRect();
    const scale = Math.min(box.width / picture.naturalWidth, box.height / picture.naturalHeight);
    const [width, height] = [picture.naturalWidth * scale, picture.naturalHeight * scale];
    const left = box.left + (box.width - width) / 2 + (mirrored ? 1 - x : x) * width;
    const top = box.top + (box.height - height) / 2 + y * height;
    const inside = left >= glass.left && left <= glass.right && top >= glass.top && top <= glass.bottom;
    return inside ? [left - frame.left, top - frame.top] : null;
  };
  const svg = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    return made;
  };
  const draw = () => {
    const [mine, theirs] = [one("[data-mine]"), one("[data-theirs]")];
    const drawn = [];
    if (theirs && mine.naturalWidth && theirs.naturalWidth) {
      state.pairs.forEach(([x, y, u, v], number) => {
        const from = spot(mine, x, y, false);
        const to = spot(theirs, u, v, state.mirrored);
        const stroke = `hsl(${(number * 67) % 360} 95% 65%)`;
        if (from && to) drawn.push(svg("line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1], stroke }));
        [from, to].filter(Boolean).forEach(([cx, cy]) => drawn.push(svg("circle", { cx, cy, r: 5, stroke })));
      });
    }
    one("[data-marks]").replaceChildren(...drawn);
  };
  const say = (text) => (one("[data-said]").textContent = text);
  const points = async () => {
    const wanted = one("[data-points]").checked;
    state.pairs = [];
    draw();
    if (!wanted) return say("");
    say("looking for points that both show …");
    const asked = new URLSearchParams({
      one: one("[data-mine]").dataset.origin,
      other: one("[data-theirs]").dataset.origin,
    });
    try {
      const answer = await fetch(`/api/marks?${asked}`);
      const found = await answer.json();
      if (!one("[data-points]").checked) return;
      if (!answer.ok) return say(found.error);
      state.pairs = found.pairs;
      say(found.said || `${found.pairs.length} points agree; 15 hardly do by chance`);
      draw();
    } catch {
      say("the points could not be had");
    }
  };
  const mirror = (on) => {
    state.mirrored = on;
    one("[data-mirrored]").hidden = !on;
    place();
  };

  const begin = () => {
    one("[data-zoom]").addEventListener("input", (event) => zoom(event.target.value / state.zoom));
    one("[data-points]")?.addEventListener("change", points);
    one("[data-mirror]")?.addEventListener("change", (event) => mirror(event.target.checked));
    pictures().forEach((picture) => picture.addEventListener("load", draw));
    addEventListener("resize", draw);
    const fingers = new Map();
    let held = null;
    const apart = () => {
      const [a, b] = [...fingers.values()];
      return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
    };
    all(".glass", stage).forEach((glass) => {
      glass.addEventListener("pointerdown", (event) => {
        fingers.set(event.pointerId, event);
        held = event;
        glass.setPointerCapture(event.pointerId);
        stage.classList.add("moving");
      });
      glass.addEventListener("pointermove", (event) => {
        if (!fingers.has(event.pointerId)) return;
        const before = fingers.size === 2 ? apart() : 0;
        fingers.set(event.pointerId, event);
        if (before) return zoom(apart() / before);
        move((event.clientX - held.clientX) / glass.clientWidth, (event.clientY - held.clientY) / glass.clientHeight);
        held = event;
      });
      ["pointerup", "pointercancel"].forEach((name) =>
        glass.addEventListener(name, (event) => {
          fingers.delete(event.pointerId);
          held = [...fingers.values()][0] ?? null;
          stage.classList.remove("moving");
        }),
      );
      glass.addEventListener("dblclick", () => zoom(state.zoom > 1 ? 1 / state.zoom : 3));
      glass.addEventListener(
        "wheel",
        (event) => {
          event.preventDefault();
          zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2);
        },
        { passive: false },
      );
    });

    // What is chosen, and deciding once
    const count = () => {
      const chosen = new Set(all("[data-goes]:checked").map((box) => box.value));
      all("[data-chosen]").forEach((button) => (button.disabled = !chosen.size));
      all("[data-going]").forEach((label) => (label.hidden = !chosen.has(label.dataset.going)));
      const told = one("[data-count-chosen]");
      if (told) told.textContent = chosen.size === 1 ? "the chosen crop" : `${chosen.size} chosen crops`;
    };
    form.addEventListener("change", count);
    count();
    let sent = false;
    form.addEventListener("submit", (event) => {
      if (sent) event.preventDefault();
      sent = true;
    });
    addEventListener("pageshow", (event) => event.persisted && location.reload());
    const after = one("[data-after]");
    if (after) fetch(after.href, { priority: "low" }).catch(() => {});
  };
  if (form) begin();

  // Keys before review.js takes them; s, d, x, z, p, m, j, k and ? are its own ----------------------------------
  const keys = {
    "+": () => zoom(1.25),
    "=": () => zoom(1.25),
    "-": () => zoom(1 / 1.25),
    0: () => zoom(1 / state.zoom),
    t: () => click("[data-key=t]"),
    c: () => click("[data-key=c]"),
    r: () => click("[data-key=r]"),
  };
  const panning = { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
  const typing = (target) => target.matches("input:not([type=radio], [type=checkbox], [type=range]), select, textarea");
  const done = (event) => {
    if (typing(event.target)) return event.key === "Enter" && "called" in event.target.dataset && click("[data-key=d]");
    if (event.shiftKey && event.key in panning) return move(...panning[event.key]) ?? true;
    return event.key in keys && (keys[event.key]() ?? true);
  };
  const handle = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || one("dialog.help").open || !done(event)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  if (form) document.addEventListener("keydown", handle, true);
})();
