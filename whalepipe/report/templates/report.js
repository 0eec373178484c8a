"use strict";
(() => {
  const box = document.querySelector("nav label");
  const field = box.querySelector("input");
  const items = [...document.querySelectorAll("[data-item]")];
  const folds = [...document.querySelectorAll("details")];
  const wasOpen = folds.map((fold) => fold.open);
  const said = document.querySelector("[data-said]");
  let texts;
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    texts ??= items.map((item) => item.textContent.toLowerCase());
    let shown = 0;
    items.forEach((item, i) => {
      item.hidden = !words.every((word) => texts[i].includes(word));
      shown += !item.hidden;
    });
    folds.forEach((fold, i) => {
      const own = fold.querySelectorAll("[data-item]");
      if (own.length) fold.open = words.length ? [...own].some((item) => !item.hidden) : wasOpen[i];
    });
    said.textContent = words.length ? `${shown} of ${items.length} entries shown` : "";
  };
  let wait;
  field.addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(filter, 120);
  });
  box.hidden = false;

  const dialog = document.querySelector("dialog");
  const enlarge = (picture) => {
    const copy = picture.cloneNode(true);
    copy.removeAttribute("tabindex");
    copy.querySelectorAll("[id]").forEach((element) => element.removeAttribute("id"));
    const caption = picture.closest("figure").querySelector("figcaption").cloneNode(true);
    dialog.querySelector("figure").replaceChildren(copy, caption);
    dialog.showModal();
  };
  document.querySelectorAll("main .pic:not(.none)").forEach((picture) => picture.setAttribute("tabindex", "0"));
  document.addEventListener("click", (event) => {
    const picture = event.target.closest(".pic");
    if (picture && picture.tabIndex === 0) enlarge(picture);
    else if (event.target === dialog || event.target.closest("dialog")) dialog.close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches(".pic")) return;
    event.preventDefault(); // or the same key would press the button that has the focus by then
    enlarge(event.target);
  });

  const say = (event) => {
    const mark = event.target.closest("[data-says]");
    if (mark) mark.closest("figure").querySelector(".says").textContent = mark.dataset.says;
  };
  document.addEventListener("mouseover", say);
  document.addEventListener("focusin", say);

  let before = [];
  addEventListener("beforeprint", () => {
    before = folds.map((fold) => fold.open);
    folds.forEach((fold) => (fold.open = true));
  });
  addEventListener("afterprint", () => folds.forEach((fold, i) => (fold.open = before[i])));
})();
