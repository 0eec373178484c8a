"use strict";
(() => {
  const body = document.body;
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const news = one("[data-news]");
  const tell = (text) => {
    news.textContent = text;
    news.hidden = !text;
  };

  // Help -------------------------------------------------------------------------------------------------------
  const help = one("dialog.help");
  one("[data-help]").addEventListener("click", () => help.showModal());

  // What others decide -----------------------------------------------------------------------------------------
  const shown = new Set(all("form.desk input[name=crop]").map((field) => field.value));
  let last = Number(body.dataset.last);
  let changedHere = false;
  let word = ""; // what others decided: said again once a trouble is over
  const poll = async () => {
    let found;
    try {
      const answer = await fetch(`/api/changes?since=${last}`);
      found = await answer.json();
      if (!answer.ok) return tell(found.error);
    } catch {
      return tell("The server does not answer. Nothing is lost: every decision taken so far is in the catalogue.");
    }
    if (found.started !== body.dataset.started) return location.assign(body.dataset.here);
    last = found.last;
    found.counts.forEach((count) => {
      const place = one(`[data-count="${count.section}"]`);
      if (place) place.textContent = count.open.toLocaleString("en");
    });
    const others = found.decisions.filter((decision) => decision.who !== body.dataset.who);
    const here = others.filter((decision) => shown.has(decision.crop)).pop();
    if (here) {
      changedHere = true;
      word = `${here.who} has just decided about this one: ${here.text}. Reload the page to go on from that.`;
    } else if (others.length && !changedHere) {
      const latest = others[others.length - 1];
      const whose = latest.kind === "judge" ? `${latest.crop || "a crop of another run"}, ` : "";
      word = `${latest.who} decided: ${whose}${latest.text}.`;
    }
    if (news.textContent !== word) tell(word);
  };
  setInterval(poll, 4000);

  const desk = one("form.desk");
  const click = (selector) => {
    const found = one(selector);
    if (found && !found.disabled) found.click();
    return Boolean(found);
  };
  const go = (selector) => {
    const found = one(selector);
    if (found) location.assign(found.href);
  };

  // The two pictures -------------------------------------------------------------------------------------------
  const stage = desk && one("[data-stage]", desk);
  const state = { zoom: 1, x: 0, y: 0, mirrored: false, pairs: [], heat: null };
  const pictures = () => (stage ? all(".glass img", stage) : []);
  const layers = () => (stage ? all(".glass img, .glass canvas", stage) : []);
  const place = () => {
    const reach = (state.zoom - 1) / 2;
    state.x = Math.max(-reach, Math.min(reach, state.x));
    state.y = Math.max(-reach, Math.min(reach, state.y));
    layers().forEach((layer) => {
      const mirror = state.mirrored && layer.parentElement.dataset.glass === "theirs" ? " scaleX(-1)" : "";
      layer.style.transform = `translate(${100 * state.x}%, ${100 * state.y}%) scale(${state.zoom})${mirror}`;
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
    const width = picture.naturalWidth * scale;
    const height = picture.naturalHeight * scale;
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
  const chosen = () => one("input[name=individual]:checked");
  const say = (what, text) => (one(`[data-said=${what}]`).textContent = text);
  const ask = (what, candidate) =>
    fetch(`/api/${what}?${new URLSearchParams({
      crop: desk.dataset.crop,
      other: candidate.dataset.crop,
      individual: candidate.dataset.of,
    })}`);
  const points = async () => {
    state.pairs = [];
    draw();
    const candidate = chosen();
    if (!one("[data-points]").checked || !candidate) return say("points", "");
    say("points", "looking for points that both show …");
    try {
      const answer = await ask("points", candidate);
      const found = await answer.json();
      if (candidate !== chosen() || !one("[data-points]").checked) return;
      if (!answer.ok) return say("points", found.error);
      state.pairs = found.pairs;
      say("points", found.said || `${found.pairs.length} points agree; 15 hardly do by chance`);
      draw();
    } catch {
      say("points", "the points could not be had");
    }
  };

  // What makes them alike: bright where it lies, over the pictures in grey -------------------------------------
  const INFERNO = [[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]];
  const HEAT = 0.75 * 255; // of a pixel at the most is colour
  const tone = (heat) => {
    const step = Math.min(Math.floor(heat * (INFERNO.length - 1)), INFERNO.length - 2);
    const share = heat * (INFERNO.length - 1) - step;
    return INFERNO[step].map((low, part) => low + (INFERNO[step + 1][part] - low) * share);
  };
  const paint = (picture, cells) => {
    const canvas = picture.nextElementSibling;
    canvas.hidden = !cells || !picture.naturalWidth;
    if (canvas.hidden) return;
    const scale = Math.min(1, 512 / Math.max(picture.naturalWidth, picture.naturalHeight));
    canvas.width = Math.round(picture.naturalWidth * scale); // its proportions, so that it lies as the picture does
    canvas.height = Math.round(picture.naturalHeight * scale);
    const small = document.createElement("canvas");
    [small.width, small.height] = [cells[0].length, cells.length];
    const colours = new ImageData(small.width, small.height);
    cells.flat().forEach((heat, at) => colours.data.set([...tone(heat), HEAT * Math.sqrt(heat)], 4 * at));
    small.getContext("2d").putImageData(colours, 0, 0);
    canvas.getContext("2d").drawImage(small, 0, 0, canvas.width, canvas.height);
  };
  const warm = () => {
    stage.classList.toggle("heated", Boolean(state.heat));
    pictures().forEach((picture) =>
      paint(picture, state.heat && ("mine" in picture.dataset ? state.heat.first : state.heat.second)),
    );
  };
  let asking = false; // one at a time: whoever leafs through candidates waits for the last alone
  const heat = async () => {
    state.heat = null;
    warm();
    const candidate = chosen();
    if (!one("[data-heat]").checked || !candidate) return say("heat", "");
    say("heat", "looking for what makes them alike; the first map takes longest …");
    if (asking) return;
    asking = true;
    let again = false;
    try {
      const answer = await ask("heat", candidate);
      const found = await answer.json();
      again = candidate !== chosen() && one("[data-heat]").checked;
      if (again || !one("[data-heat]").checked) return;
      if (!answer.ok || found.said) return say("heat", found.error || found.said);
      state.heat = found;
      say("heat", `bright: what makes them alike to the embedder, cosine ${found.score.toFixed(2)}`);
      warm();
    } catch {
      say("heat", "the heat-map could not be had");
    } finally {
      asking = false;
      if (again) heat();
    }
  };
  const mirror = (on) => {
    state.mirrored = on;
    one("[data-mirror]").checked = on;
    one("[data-mirrored]").hidden = !on;
    place();
  };
  const choose = () => {
    const candidate = chosen();
    const picture = one("[data-theirs]");
    if (!candidate || !picture) return;
    if (picture.getAttribute("src") !== candidate.dataset.picture) picture.src = candidate.dataset.picture;
    picture.alt = `the picture of ${candidate.value}`;
    const name = document.createElement("bdi");
    name.textContent = candidate.value;
    one("[data-name]").replaceChildren(name);
    one("[data-line]").textContent = [candidate.dataset.about, candidate.dataset.sides].filter(Boolean).join(" · ");
    one("[data-chosen]").textContent = one("[data-other]").value.trim() || candidate.value;
    mirror(false);
    points();
    heat();
  };

  if (desk) {
    one("[data-zoom]").addEventListener("input", (event) => zoom(event.target.value / state.zoom));
    one("[data-points]").addEventListener("change", points);
    one("[data-heat]").addEventListener("change", heat);
    one("[data-mirror]").addEventListener("change", (event) => mirror(event.target.checked));
    desk.addEventListener("change", (event) => event.target.name === "individual" && choose());
    pictures().forEach((picture) => picture.addEventListener("load", () => [draw(), warm()]));
    addEventListener("resize", draw);
    addEventListener("scroll", draw, { passive: true });
    let held = null;
    const fingers = new Map();
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
        if (fingers.size === 2 && before) return zoom(apart() / before);
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
      glass.addEventListener("wheel", (event) => {
        event.preventDefault();
        zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2);
      }, { passive: false });
    });

    // Names that are not listed
    const other = one("[data-other]");
    let wait;
    other.addEventListener("input", () => {
      const chosenName = one("[data-chosen]");
      if (chosenName) chosenName.textContent = other.value.trim() || chosen()?.value || "";
      clearTimeout(wait);
      wait = setTimeout(async () => {
        const answer = await fetch(`/api/individuals?q=${encodeURIComponent(other.value)}`);
        if (!answer.ok) return;
        const options = (await answer.json()).map((name) => {
          const option = document.createElement("option");
          option.value = name;
          return option;
        });
        one("#names").replaceChildren(...options);
      }, 150);
    });
    let sent = false;
    desk.addEventListener("submit", (event) => {
      if (sent) event.preventDefault(); // a key held down decides once
      sent = true;
    });
    addEventListener("pageshow", (event) => event.persisted && location.assign(body.dataset.here));
    choose();
    const after = one("[data-after]");
    if (after) fetch(after.href, { priority: "low" }).catch(() => {});
  }

  // Keys -------------------------------------------------------------------------------------------------------
  const keys = {
    "?": () => help.showModal(),
    j: () => go("[data-after], [data-begin]"),
    k: () => go("[data-before]"),
    ArrowRight: () => go("[data-after]"),
    ArrowLeft: () => go("[data-before]"),
    "/": () => one("[data-other]")?.focus(),
    "+": () => desk && zoom(1.25),
    "=": () => desk && zoom(1.25),
    "-": () => desk && zoom(1 / 1.25),
    0: () => desk && zoom(1 / state.zoom),
    p: () => click("[data-points]"),
    h: () => click("[data-heat]"),
    m: () => click("[data-mirror]"),
  };
  const panning = { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
  const number = (key) => {
    const field = all("input[name=individual]").find((f) => one("kbd", f.parentElement)?.textContent === key);
    if (!field) return false;
    field.checked = true;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    field.closest("li").scrollIntoView({ block: "nearest" });
    return true;
  };
  const typing = (target) => target.matches("input:not([type=radio], [type=checkbox], [type=range]), select, textarea");
  const enter = (event) => {
    if ("called" in event.target.dataset) return click("[data-key=n]");
    return "other" in event.target.dataset && click("[data-key=s]");
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      if (event.key === "Enter" && enter(event)) event.preventDefault();
      return;
    }
    if (event.target.matches("[type=range], [type=radio]") && event.key.startsWith("Arrow") && !event.shiftKey) return;
    let done = true;
    if (event.shiftKey && event.key in panning && desk) move(...panning[event.key]);
    else if (event.key in keys) keys[event.key]();
    else if (/^[1-9]$/.test(event.key)) done = number(event.key);
    else if (/^[sdnuxz]$/.test(event.key)) done = click(`[data-key=${event.key}]`);
    else done = false;
    if (done) event.preventDefault();
  });
})();
