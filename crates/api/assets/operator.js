// The operator's pages: marks all tenants of a page, and follows a bulk run.

const all = document.querySelector("[data-marks-all]");

if (all) {
  const boxes = [...document.querySelectorAll("input[name=tenant]")];
  const show = () => {
    const marked = boxes.filter((box) => box.checked).length;
    all.checked = marked > 0 && marked === boxes.length;
    all.indeterminate = marked > 0 && marked < boxes.length;
  };
  all.closest("[hidden]").hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
  });
  for (const box of boxes) box.addEventListener("change", show);
  addEventListener("pageshow", show);
}

const run = document.querySelector("[data-events]");

if (run) {
  const events = new EventSource(run.dataset.events);
  const bar = run.querySelector("progress");
  const words = run.querySelector("[data-part=words]");
  events.addEventListener("progress", (event) => {
    const told = JSON.parse(event.data);
    bar.max = told.total;
    bar.value = told.done;
    words.textContent = told.words;
    for (const [status, senders] of Object.entries(told.counts)) {
      const place = run.querySelector(`[data-count="${CSS.escape(status)}"]`);
      if (place) place.textContent = senders;
    }
  });
  events.addEventListener("end", () => {
    events.close();
    // The finished page has the results.
    location.reload();
  });
}
