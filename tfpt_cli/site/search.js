(() => {
  const form = document.getElementById("find"), field = document.getElementById("q"), count = document.getElementById("count");
  const rows = [...document.querySelectorAll(".r")];
  const texts = rows.map((row) => `${row.textContent} ${row.dataset.w ?? ""}`.toLowerCase());
  const groups = [...document.querySelectorAll("main section, .g")];
  const begins = (row, word) => row.dataset.n.startsWith(word) || (row.dataset.w ?? "").split(" ").includes(word);

  const apply = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, index) => {
      const fits = words.every((word) => texts[index].includes(word));
      row.hidden = !fits;
      row.classList.toggle("best", fits && words.length > 0 && words.every((word) => begins(row, word)));
      shown += fits;
    });
    for (const group of groups) group.hidden = !group.querySelector(".r:not([hidden])");
    const text = words.length ? `${shown} of ${rows.length} rows hold ${words.length > 1 ? "all these words" : "this word"}` : "";
    if (count.textContent !== text) count.textContent = text;
  };

  const write = () => {
    const view = new URLSearchParams(field.value ? { q: field.value } : {});
    history.replaceState(null, "", location.pathname + (view.size ? `?${view}` : ""));
  };

  let waiting = 0;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    apply();
    write();
    const first = document.querySelector(".r.best:not([hidden]) a") ?? document.querySelector(".r:not([hidden]) a");
    if (field.value && first) first.focus();
  });
  field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => { apply(); write(); }, 80); });
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && event.target !== field) {
      event.preventDefault();
      field.focus();
      field.select();
    }
  });
  field.value = new URLSearchParams(location.search).get("q") ?? "";
  if (field.value) apply();
})();
