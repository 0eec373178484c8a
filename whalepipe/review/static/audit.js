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
  const address = (what) => {
    const [first, second] = [one("[data-mine]"), one("[data-theirs]")];
    if (!second) return "";
    const pair = new URLSearchParams({ one: first.dataset.origin, other: second.dataset.origin });
    return `/api/${what === "heat" ? "maps" : "marks"}?${pair}`;
  };
  const look = form && glass(form, address);

  const begin = () => {
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
    look.anew();
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

  // Keys before review.js takes them; s, d, x, z, j, k and ? are its own ----------------------------------------
  const typing = (target) => target.matches("input:not([type=radio], [type=checkbox], [type=range]), select, textarea");
  const done = (event) => {
    if (typing(event.target)) return event.key === "Enter" && "called" in event.target.dataset && click("[data-key=d]");
    return look.took(event) || (/^[tcr]$/.test(event.key) && click(`[data-key=${event.key}]`));
  };
  const handle = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || one("dialog.help").open || !done(event)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  if (form) document.addEventListener("keydown", handle, true);
})();
