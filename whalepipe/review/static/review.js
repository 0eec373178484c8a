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
  const chosen = () => one("input[name=individual]:checked");
  const address = (what) => {
    const candidate = chosen();
    if (!candidate) return "";
    const pair = { crop: desk.dataset.crop, other: candidate.dataset.crop, individual: candidate.dataset.of };
    return `/api/${what}?${new URLSearchParams(pair)}`;
  };
  const look = desk && glass(desk, address);
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
    look.anew();
  };

  if (desk) {
    desk.addEventListener("change", (event) => event.target.name === "individual" && choose());

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
  };
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
  const took = (key) => {
    if (/^[1-9]$/.test(key)) return number(key);
    if (/^[sdnuxz]$/.test(key)) return click(`[data-key=${key}]`);
    if (!(key in keys)) return false;
    keys[key]();
    return true;
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      if (event.key === "Enter" && enter(event)) event.preventDefault();
      return;
    }
    if (event.target.matches("[type=range], [type=radio]") && event.key.startsWith("Arrow") && !event.shiftKey) return;
    if (look?.took(event) || took(event.key)) event.preventDefault();
  });
})();
