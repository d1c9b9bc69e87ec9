// What makes every page nicer and none of them needs.

// Times in the reader's own zone; the exact time when pointed at.
const language = document.documentElement.lang;
const short = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "long" });
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (!Number.isNaN(at.valueOf())) {
    time.textContent = short.format(at);
    time.title = exact.format(at);
  }
}

// What failed is what the reader must see first.
document.querySelector("#banner [data-focus]")?.focus();

// Leaving a form whose fields were changed asks first; sending it does not.
for (const form of document.querySelectorAll("form[data-guarded]")) {
  // A form that came back with refused fields holds what is saved nowhere.
  let unsaved = form.dataset.guarded === "unsaved";
  form.addEventListener("input", () => { unsaved = true; });
  form.addEventListener("submit", () => { unsaved = false; });
  // Whoever cancels has been asked enough.
  for (const button of document.querySelectorAll(`[data-leaves="${form.id}"]`)) {
    button.addEventListener("click", () => { unsaved = false; });
  }
  addEventListener("beforeunload", (event) => {
    if (unsaved) event.preventDefault();
  });
}

// Sending a form twice by clicking twice would do it twice; a reader who stopped waiting may try
// again.
for (const form of document.querySelectorAll("form[method=post]")) {
  let sentAt = -Infinity;
  form.addEventListener("submit", (event) => {
    if (event.timeStamp - sentAt < 3000) event.preventDefault();
    else sentAt = event.timeStamp;
  });
}

// A button that copies the text of another element, and says that it has.
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(source?.value ?? source?.textContent ?? "");
    button.textContent = button.dataset.copied;
  });
}

// What comes back from the browser's memory may be of a session that has ended since.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
