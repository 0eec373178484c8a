"use strict";
// Two pictures side by side: zoomed, moved and mirrored together, with what both share drawn over them. `form` holds
// them and their tools; `address` says where the "points" or the "heat" of the two is had, "" where nothing is compared.
const glass = (form, address) => {
  const one = (selector) => form.querySelector(selector);
  const all = (selector) => [...form.querySelectorAll(selector)];
  const stage = one("[data-stage]");
  const state = { zoom: 1, x: 0, y: 0, mirrored: false, pairs: [], heat: null };
  const pictures = () => all(".glass img");
  const theirs = (layer) => Boolean(layer.parentElement.querySelector("[data-theirs]"));
  const say = (what, text) => (one(`[data-said=${what}]`).textContent = text);
  const asked = (what) => (one(`[data-${what}]`)?.checked ? address(what) : "");

  // Where they lie ---------------------------------------------------------------------------------------------
  const place = () => {
    const reach = (state.zoom - 1) / 2;
    state.x = Math.max(-reach, Math.min(reach, state.x));
    state.y = Math.max(-reach, Math.min(reach, state.y));
    all(".glass img, .glass canvas").forEach((layer) => {
      const mirror = state.mirrored && theirs(layer) ? " scaleX(-1)" : "";
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
  const mirror = (on) => {
    state.mirrored = on;
    const box = one("[data-mirror]");
    if (box) box.checked = on;
    const flag = one("[data-mirrored]");
    if (flag) flag.hidden = !on;
    place();
  };

  // Where a point of a picture, in shares of it, lies on the stage; null where it is not to be seen.
  const spot = (picture, x, y, mirrored) => {
    const frame = stage.getBoundingClientRect();
    const box = picture.getBoundingClientRect();
    const pane = picture.parentElement.getBoundingClientRect();
    const scale = Math.min(box.width / picture.naturalWidth, box.height / picture.naturalHeight);
    const [width, height] = [picture.naturalWidth * scale, picture.naturalHeight * scale];
    const left = box.left + (box.width - width) / 2 + (mirrored ? 1 - x : x) * width;
    const top = box.top + (box.height - height) / 2 + y * height;
    const inside = left >= pane.left && left <= pane.right && top >= pane.top && top <= pane.bottom;
    return inside ? [left - frame.left, top - frame.top] : null;
  };
  const svg = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    return made;
  };
  const draw = () => {
    const [first, second] = [one("[data-mine]"), one("[data-theirs]")];
    const drawn = [];
    if (second && first.naturalWidth && second.naturalWidth) {
      state.pairs.forEach(([x, y, u, v], number) => {
        const from = spot(first, x, y, false);
        const to = spot(second, u, v, state.mirrored);
        const stroke = `hsl(${(number * 67) % 360} 95% 65%)`;
        if (from && to) drawn.push(svg("line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1], stroke }));
        [from, to].filter(Boolean).forEach(([cx, cy]) => drawn.push(svg("circle", { cx, cy, r: 5, stroke })));
      });
    }
    one("[data-marks]").replaceChildren(...drawn);
  };

  // What both show ---------------------------------------------------------------------------------------------
  const points = async () => {
    state.pairs = [];
    draw();
    const wanted = asked("points");
    if (!wanted) return say("points", "");
    say("points", "looking for points that both show …");
    try {
      const answer = await fetch(wanted);
      const found = await answer.json();
      if (asked("points") !== wanted) return;
      if (!answer.ok) return say("points", found.error);
      state.pairs = found.pairs;
      say("points", found.said || `${found.pairs.length} points agree; 15 hardly do by chance`);
      draw();
    } catch {
      if (asked("points") === wanted) say("points", "the points could not be had");
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
      paint(picture, state.heat && (theirs(picture) ? state.heat.second : state.heat.first)),
    );
  };
  let asking = false; // one at a time: whoever leafs through candidates waits for the last alone
  const heat = async () => {
    state.heat = null;
    warm();
    const wanted = asked("heat");
    if (!wanted) return say("heat", "");
    say("heat", "looking for what makes them alike; the first map takes longest …");
    if (asking) return;
    asking = true;
    try {
      const answer = await fetch(wanted);
      const found = await answer.json();
      if (asked("heat") !== wanted) return;
      if (!answer.ok) return say("heat", found.error);
      state.heat = found;
      say("heat", `bright: what makes them alike to the embedder, cosine ${found.score.toFixed(2)}`);
      warm();
    } catch {
      if (asked("heat") === wanted) say("heat", "the heat-map could not be had");
    } finally {
      asking = false;
      if (asked("heat") !== wanted) heat();
    }
  };

  // By mouse, fingers and keys ---------------------------------------------------------------------------------
  one("[data-zoom]").addEventListener("input", (event) => zoom(event.target.value / state.zoom));
  one("[data-points]")?.addEventListener("change", points);
  one("[data-heat]")?.addEventListener("change", heat);
  one("[data-mirror]")?.addEventListener("change", (event) => mirror(event.target.checked));
  pictures().forEach((picture) => picture.addEventListener("load", () => [draw(), warm()]));
  stage.addEventListener("transitionend", draw); // while the pictures glide, points lie where they set out from
  addEventListener("resize", draw);
  addEventListener("scroll", draw, { passive: true });
  let held = null;
  const fingers = new Map();
  const apart = () => {
    const [a, b] = [...fingers.values()];
    return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
  };
  all(".glass").forEach((pane) => {
    pane.addEventListener("pointerdown", (event) => {
      fingers.set(event.pointerId, event);
      held = event;
      pane.setPointerCapture(event.pointerId);
      stage.classList.add("moving");
    });
    pane.addEventListener("pointermove", (event) => {
      if (!fingers.has(event.pointerId)) return;
      const before = fingers.size === 2 ? apart() : 0;
      fingers.set(event.pointerId, event);
      if (before) return zoom(apart() / before);
      move((event.clientX - held.clientX) / pane.clientWidth, (event.clientY - held.clientY) / pane.clientHeight);
      held = event;
    });
    ["pointerup", "pointercancel"].forEach((name) =>
      pane.addEventListener(name, (event) => {
        fingers.delete(event.pointerId);
        held = [...fingers.values()][0] ?? null;
        stage.classList.remove("moving");
      }),
    );
    pane.addEventListener("dblclick", () => zoom(state.zoom > 1 ? 1 / state.zoom : 3));
    pane.addEventListener("wheel", (event) => {
      event.preventDefault();
      zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2);
    }, { passive: false });
  });

  const pressed = (what) => one(`[data-${what}]`)?.click();
  const keys = {
    "+": () => zoom(1.25),
    "=": () => zoom(1.25),
    "-": () => zoom(1 / 1.25),
    0: () => zoom(1 / state.zoom),
    p: () => pressed("points"),
    h: () => pressed("heat"),
    m: () => pressed("mirror"),
  };
  const panning = { ArrowLeft: [0.1, 0], ArrowRight: [-0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
  return {
    // Another picture stands in the second's place.
    anew: () => {
      mirror(false);
      points();
      heat();
    },
    // Whether a key was one of these, and did what it does.
    took: (event) => {
      if (event.shiftKey && event.key in panning) move(...panning[event.key]);
      else if (event.key in keys) keys[event.key]();
      else return false;
      return true;
    },
  };
};
