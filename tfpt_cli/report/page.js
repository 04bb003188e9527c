"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const items = [...document.querySelectorAll(".s")];
  const groups = [...document.querySelectorAll(".g")];
  const form = byId("filter");
  const theme = byId("theme");
  const texts = new Map();

  byId("looks").hidden = false;
  const keep = (value) => { try { value === undefined || localStorage.setItem("tfpt-theme", value); return localStorage.getItem("tfpt-theme"); } catch { return null; } };
  const paint = (value) => { if (value) document.documentElement.dataset.theme = value; else delete document.documentElement.dataset.theme; };
  theme.value = keep() || "";
  paint(theme.value);
  theme.addEventListener("change", () => { paint(theme.value); keep(theme.value); });

  // A button that copies a listing as it ran, with the functions that the page writes only once.
  const whole = (code) => {
    const copy = code.cloneNode(true);
    for (const link of copy.querySelectorAll("a.sh")) link.replaceWith(byId(link.hash.slice(1)).textContent);
    return copy.textContent;
  };
  const everything = (figure) => [...figure.querySelectorAll("pre")].map(whole).join("\n") + "\n";
  const copying = (listings) => {
    if (!listings.matches?.(".code[open]") || listings.querySelector("button")) return;
    for (const figure of listings.querySelectorAll("figure")) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Copy";
      button.setAttribute("aria-label", `Copy the code of ${figure.firstChild.textContent}`);
      button.addEventListener("click", async () => {
        try { await navigator.clipboard.writeText(everything(figure)); button.textContent = "Copied"; }
        catch { getSelection().selectAllChildren(figure.querySelector(".src")); button.textContent = "Selected"; }
      });
      figure.firstChild.append(button);
    }
  };
  for (const listings of document.querySelectorAll(".code[open]")) copying(listings);
  document.addEventListener("toggle", (event) => copying(event.target), true);

  if (!form) return;
  form.hidden = false;
  const field = form.elements;
  const names = ["q", "status", "subject", "file"];

  // What a search looks through: everything of a scenario but its numbers and the code of the reference.
  const textOf = (item) => {
    if (!texts.has(item)) {
      const parts = [...item.children[1].children].filter((part) => !part.matches(".code, .m, .plots"));
      parts.push(...item.querySelectorAll(".two"));
      texts.set(item, [item.firstElementChild, ...parts].map((part) => part.textContent).join("\n").toLowerCase());
    }
    return texts.get(item);
  };

  const apply = () => {
    const words = field.q.value.toLowerCase().split(/\s+/).filter(Boolean);
    const file = field.file.value && String(field.file.selectedIndex - 1);
    let shown = 0, mismatches = 0;
    for (const item of items) {
      const { s, k, f, m } = item.dataset;
      const fits = (!field.status.value || s === field.status.value) && (!field.subject.value || k === field.subject.value)
        && (!file || f === file) && (!field.only.checked || m !== undefined)
        && words.every((word) => textOf(item).includes(word));
      item.hidden = !fits;
      shown += fits;
      mismatches += fits && m !== undefined;
    }
    for (const group of groups) group.hidden = !group.querySelector(".s:not([hidden])");
    const text = `${shown} of ${items.length} scenarios shown, ${mismatches} with a mismatch`;
    if (byId("count").textContent !== text) byId("count").textContent = text;
  };

  const write = () => {
    const view = new URLSearchParams();
    for (const name of names) if (field[name].value) view.set(name, field[name].value);
    if (field.only.checked) view.set("only", "mismatches");
    history.replaceState(null, "", view.size ? `#${view}` : location.pathname + location.search);
  };

  const read = () => {
    const hash = location.hash.slice(1);
    const target = hash.startsWith("s-") ? byId(hash) : null;
    const shared = hash && byId(hash)?.closest(".shared");
    if (shared) shared.open = true;
    if (hash && !hash.includes("=") && !target) return;
    const view = new URLSearchParams(target ? "" : hash);
    for (const name of names) {
      field[name].value = view.get(name) ?? "";
      if (field[name].selectedIndex === -1) field[name].value = "";
    }
    field.only.checked = view.get("only") === "mismatches";
    apply();
    if (target) {
      target.open = true;
      target.scrollIntoView();
    }
  };

  let waiting = 0;
  const changed = () => { apply(); write(); };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(changed));
  form.addEventListener("change", changed);
  field.q.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(changed, 120); });
  addEventListener("hashchange", read);

  const go = (step) => {
    const found = items.filter((item) => item.dataset.m !== undefined && !item.hidden);
    if (!found.length) return;
    const here = document.activeElement.closest?.(".s");
    let index = found.indexOf(here);
    if (index === -1) {
      // From anywhere else: the first one below (or the last one above) where the reader is.
      const place = here ? (item) => here.compareDocumentPosition(item) & 4 : (item) => item.getBoundingClientRect().top > 1;
      const below = document.activeElement === document.body || here ? found.findIndex(place) : 0;
      index = step > 0 ? (below === -1 ? 0 : below) : (below === -1 ? found.length : below) - 1;
    } else index += step;
    const next = found[(index + found.length) % found.length];
    next.open = true;
    next.scrollIntoView();
    next.firstElementChild.focus({ preventScroll: true });
  };
  byId("more").addEventListener("click", (event) => {
    event.target.setAttribute("aria-expanded", form.classList.toggle("all"));
  });
  byId("next").addEventListener("click", () => go(1));
  byId("previous").addEventListener("click", () => go(-1));
  const every = (open) => { for (const item of items) if (!item.hidden) item.open = open; };
  byId("open").addEventListener("click", () => every(true));
  byId("close").addEventListener("click", () => every(false));
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
    if (event.key === "/") { event.preventDefault(); field.q.focus(); field.q.select(); }
    else if (event.key === "n") go(1);
    else if (event.key === "p") go(-1);
  });

  apply();
  read();
})();
