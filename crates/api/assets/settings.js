// The settings form, quicker: fills a known service's server in without asking the server of this
// page, suggests one by the address, and says at once when the password is needed again.

const form = document.getElementById("settings-form");
const field = (name) => form.elements.namedItem(name);
const picker = document.getElementById("provider");
const servers = [...picker.options].filter((option) => option.value);
const suggestion = document.getElementById("suggestion");

function hostIs(option) {
  return option.value === field("host").value.trim().toLowerCase();
}

// Fills in what is known of a server.
function fill(option) {
  field("host").value = option.value;
  field("port").value = option.dataset.port;
  field("encryption").value = option.dataset.encryption;
  if (option.dataset.username) field("username").value = option.dataset.username;
  form.dispatchEvent(new Event("input", { bubbles: true }));
}

// Whether `domain` is one of a service's: in a pattern, `*` is one label, or at the end a
// country's ending.
function isOf(patterns, domain) {
  return patterns.split(" ").some((pattern) => {
    if (!pattern.includes("*")) return pattern === domain;
    const parts = pattern.split(".").map((part) => part.replace(/[^*a-z0-9-]/g, ""));
    const last = parts.at(-1) === "*" ? parts.pop() && "[a-z]{2,3}(\\.[a-z]{2,3})?" : parts.pop();
    const begin = parts.map((part) => (part === "*" ? "[^.]+" : part));
    return new RegExp(`^${[...begin, last].join("\\.")}$`).test(domain);
  });
}

function serverByAddress() {
  for (const name of ["sender_email", "username"]) {
    const domain = field(name).value.trim().toLowerCase().split("@")[1];
    const fits = (test) => servers.find((o) => o.dataset.domains && test(o.dataset.domains));
    // A domain that is written out belongs to nobody's pattern.
    const found =
      domain && (fits((it) => it.split(" ").includes(domain)) ?? fits((it) => isOf(it, domain)));
    if (found) return found;
  }
  return undefined;
}

function showSuggestion() {
  const known = servers.some(hostIs);
  const found = known ? undefined : serverByAddress();
  suggestion.hidden = !found;
  document.getElementById("suggested").textContent = found?.dataset.name ?? "";
}

function showNote() {
  const chosen = servers.find(hostIs);
  picker.value = chosen?.value ?? "";
  for (const note of document.querySelectorAll("[data-note]")) {
    note.hidden = note.dataset.note !== chosen?.dataset.wants;
  }
}

// A stored password goes to the host, as the user, over the protection that it was stored for.
function showPassword() {
  const moved = document.getElementById("password-moved");
  if (!moved) return;
  const clear = (value) => value === "none";
  const host = field("host");
  const canonical = (text) => text.trim().toLowerCase().replace(/\.$/, "");
  const encryption = field("encryption");
  const needed =
    canonical(host.value) !== host.dataset.stored ||
    field("username").value.trim() !== field("username").dataset.stored ||
    clear(encryption.value) !== clear(encryption.dataset.stored);
  // The answer to a form that was refused says it already.
  const keep = document.getElementById("password-hint");
  moved.hidden = !needed || !keep;
  if (keep) keep.hidden = needed;
}

function look() {
  showSuggestion();
  showNote();
  showPassword();
}

picker.addEventListener("input", (event) => {
  // Choosing is not typing: nothing changed until the server is filled in.
  event.stopPropagation();
});
document.getElementById("fill").addEventListener("click", (event) => {
  event.preventDefault();
  const chosen = picker.selectedOptions[0];
  if (chosen?.value) fill(chosen);
});
document.getElementById("fill-suggested").addEventListener("click", (event) => {
  const found = serverByAddress();
  if (!found) return;
  event.preventDefault();
  fill(found);
  field("host").focus();
});

// In the field of the search, the Enter key searches instead of saving.
field("find_email").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  document.getElementById("discover").click();
});

// The usual port goes with the encryption, as long as the port is the other's usual one.
const usual = { starttls: "587", implicit_tls: "465" };
field("encryption").addEventListener("change", () => {
  const port = field("port");
  if (Object.values(usual).includes(port.value.trim())) {
    port.value = usual[field("encryption").value] ?? port.value;
  }
});

form.addEventListener("input", look);
look();
