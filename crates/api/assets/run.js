// Follows a test run: each stage as it ends, then the page as the server writes it.

const run = document.querySelector("[data-events]");
const told = document.getElementById("run-told");
const looking = document.getElementById("run-looking");

if (run) {
  const events = new EventSource(run.dataset.events);
  events.addEventListener("stage", (event) => {
    const stage = JSON.parse(event.data);
    const line = run.querySelector(`[data-stage="${CSS.escape(stage.stage)}"]`);
    if (!line) return;
    line.dataset.status = stage.status;
    const parts = { status: stage.status_text, took: stage.took, reply: stage.reply };
    for (const [part, text] of Object.entries(parts)) {
      const place = line.querySelector(`[data-part="${part}"]`);
      if (place) place.textContent = text;
    }
    // The run goes on for as long as it looks for settings that work.
    if (looking && stage.status === "failed") looking.hidden = false;
    // Each stage is read out as it ends, without its time.
    if (told) told.textContent = line.firstElementChild.textContent;
  });
  events.addEventListener("end", () => {
    events.close();
    // The finished page has the banner, what to do, and what comes next.
    location.reload();
  });
}
