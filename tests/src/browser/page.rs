//! Reading a page and acting on it as a person does.

use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use thirtyfour::{By, WebElement};

use super::Browser;

/// How long something may take to appear: far longer than it ever takes.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Finds what is visible and has a role and a name; the rules for names are those of ARIA as far as
/// our pages need them. Whoever has the very name comes before those whose name begins with it,
/// because a label may go on with a remark.
const FIND: &str = r"
const [role, name] = arguments;
const selectors = {
  button: 'button, input[type=submit], [role=button], summary',
  link: 'a[href]',
  action: 'button, input[type=submit], [role=button], summary, a[href]',
  field: 'input:not([type=hidden]), select, textarea',
  heading: 'h1, h2, h3, h4',
};
const words = text => text.replace(/\s+/g, ' ').trim();
const nameOf = element => {
  const by = element.getAttribute('aria-labelledby');
  if (by) return words(by.split(/\s+/).map(id => document.getElementById(id)?.textContent ?? '').join(' '));
  if (element.hasAttribute('aria-label')) return words(element.getAttribute('aria-label'));
  if (element.labels?.length) return words([...element.labels].map(label => label.textContent).join(' '));
  return words(element.type === 'submit' && element.tagName === 'INPUT' ? element.value : element.textContent);
};
const found = [...document.querySelectorAll(selectors[role])]
  .filter(element => element.checkVisibility({ visibilityProperty: true }))
  .map(element => [nameOf(element), element])
  .filter(([given]) => given === name || given.startsWith(name + ' '));
return (found.find(([given]) => given === name) ?? found[0])?.[1] ?? null;
";

/// Whether pressing this leads to another page. The click alone does not wait for it, so the page is
/// marked until it is gone, or until its script has seen to the click itself.
const LEAVES: &str = "
const [element] = arguments;
const stays = event => { if (event.defaultPrevented) delete window.isLeft; };
const isLink = element.href && !element.target && !element.getAttribute('href').startsWith('#')
  && !element.pathname.endsWith('/pdf');
if (!isLink && !(element.type === 'submit' && element.form)) return false;
window.isLeft = true;
for (const kind of ['click', 'submit']) addEventListener(kind, stays, { once: true });
return true;
";

const ARRIVED: &str = "return !window.isLeft && document.readyState === 'complete'";

/// The sum of what the network carried for the page and everything on it, headers included.
const WEIGHT: &str = "
return [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
  .reduce((sum, entry) => sum + entry.transferSize, 0);
";

const LARGEST_PAINT: &str = "
const done = arguments[0];
new PerformanceObserver(list => done(list.getEntries().at(-1).startTime))
  .observe({ type: 'largest-contentful-paint', buffered: true });
";

impl Browser {
    /// Opens a path of the server under test, or any other address.
    pub async fn open(&self, path: &str) {
        let url =
            if path.starts_with('/') { format!("{}{path}", self.base) } else { path.to_owned() };
        self.driver.goto(url).await.expect("the page opens");
    }

    /// The path that is open, with its query.
    pub async fn path(&self) -> String {
        self.script("return location.pathname + location.search").await
    }

    /// Everything that can be read on the page.
    pub async fn text(&self) -> String {
        self.script("return document.body.innerText").await
    }

    /// The same without what is around the content.
    async fn content(&self) -> String {
        self.script("return (document.querySelector('main') ?? document.body).innerText").await
    }

    /// Presses the button, or follows the link, of this name, and waits for the page that follows,
    /// if one does.
    pub async fn press(&self, name: &str) {
        let action = self.find("action", name).await;
        let leaves: bool = self.script_on(LEAVES, &[&action], &[]).await;
        action.click().await.unwrap_or_else(|err| panic!("{name} cannot be pressed: {err}"));
        if leaves {
            self.wait_until(&format!("{name} leads to the next page"), ARRIVED).await;
        }
    }

    /// Puts `text` into the field with this label, in place of what it held; chooses the option
    /// of that name or value where it is a list.
    pub async fn fill(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        if field.tag_name().await.expect("a tag") == "select" {
            let chosen = "
                const [field, text] = arguments;
                const option = [...field.options]
                  .find(({ value, text: shown }) => value === text || shown.trim() === text);
                if (!option) return false;
                field.value = option.value;
                field.dispatchEvent(new Event('input', { bubbles: true }));
                field.dispatchEvent(new Event('change', { bubbles: true }));
                return true;";
            let found: bool = self.script_on(chosen, &[&field], &[json!(text)]).await;
            assert!(found, "{label} does not offer {text}");
            return;
        }
        field.clear().await.unwrap_or_else(|err| panic!("{label} cannot be edited: {err}"));
        field.send_keys(text).await.unwrap_or_else(|err| panic!("{label}: {err}"));
    }

    /// What the field with this label holds; of a list, the words of what is chosen.
    pub async fn value(&self, label: &str) -> String {
        let field = self.field(label).await;
        let held = "const [field] = arguments;
            return field.selectedOptions ? field.selectedOptions[0].text.trim() : field.value;";
        self.script_on(held, &[&field], &[]).await
    }

    /// What is shown beside this label where nothing can be typed.
    pub async fn fact(&self, label: &str) -> String {
        let script = r"
            const [label] = arguments;
            const words = element => element?.innerText.replace(/\s+/g, ' ').trim();
            const term = [...document.querySelectorAll('dt, th[scope=row]')]
              .find(term => words(term) === label);
            return words(term?.nextElementSibling) ?? null;";
        let fact: Option<String> = self.script_on(script, &[], &[json!(label)]).await;
        fact.unwrap_or_else(|| panic!("{label} is not shown"))
    }

    /// The field with this label.
    pub async fn field(&self, label: &str) -> WebElement {
        self.find("field", label).await
    }

    /// The first visible element with this role (`button`, `link`, `action` for either, `field`,
    /// `heading`) and name.
    ///
    /// # Panics
    ///
    /// If it does not appear.
    pub async fn find(&self, role: &str, name: &str) -> WebElement {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(element) = self.find_now(role, name).await {
                return element;
            }
            if Instant::now() >= end {
                let (path, text) = (self.path().await, self.content().await);
                panic!("no {role} is called {name} on {path}, where one reads:\n{text}");
            }
            pause().await;
        }
    }

    /// Whether such an element is to be seen.
    pub async fn has(&self, role: &str, name: &str) -> bool {
        self.find_now(role, name).await.is_some()
    }

    async fn find_now(&self, role: &str, name: &str) -> Option<WebElement> {
        let found = self.driver.execute(FIND, vec![json!(role), json!(name)]).await;
        // Between two pages there is none to look at.
        found.ok()?.element().ok()
    }

    /// The banner at the top: its role, and its words.
    pub async fn banner(&self) -> (String, String) {
        self.wait_until("a banner appears", "return document.querySelector('#banner [role]')")
            .await;
        let banner = "const shown = document.querySelector('#banner [role]');
            return [shown.getAttribute('role'), shown.innerText];";
        self.script(banner).await
    }

    /// Red, green and blue of an element's background.
    pub async fn background(&self, element: &WebElement) -> [u8; 3] {
        let colour = "
            const [element] = arguments;
            const canvas = new OffscreenCanvas(1, 1).getContext('2d');
            canvas.fillStyle = getComputedStyle(element).backgroundColor;
            canvas.fillRect(0, 0, 1, 1);
            return [...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)];";
        self.script_on(colour, &[element], &[]).await
    }

    /// Waits until the page has `text` on it.
    pub async fn wait_for_text(&self, text: &str) {
        let end = Instant::now() + PATIENCE;
        let read = "return document.body?.innerText ?? ''";
        loop {
            let read = self.driver.execute(read, Vec::new()).await;
            let read: String = read.ok().and_then(|read| read.convert().ok()).unwrap_or_default();
            if read.contains(text) {
                return;
            }
            if Instant::now() >= end {
                let (path, read) = (self.path().await, self.content().await);
                panic!("{text} does not appear on {path}, where one reads:\n{read}");
            }
            pause().await;
        }
    }

    /// Waits until `script` gives something true; `what` says so when it does not.
    pub async fn wait_until(&self, what: &str, script: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.driver.execute(script, Vec::new()).await;
            let is_true = |value: &Value| !matches!(value, Value::Null | Value::Bool(false));
            if answer.is_ok_and(|answer| is_true(answer.json())) {
                return;
            }
            if Instant::now() >= end {
                let (path, text) = (self.path().await, self.content().await);
                panic!("in vain waited until {what} on {path}, where one reads:\n{text}");
            }
            pause().await;
        }
    }

    /// Runs a script of the test in the page, and gives what it returns.
    pub async fn script<T: DeserializeOwned>(&self, script: &str) -> T {
        self.script_on(script, &[], &[]).await
    }

    /// The same, with elements and then values as its arguments.
    pub async fn script_on<T: DeserializeOwned>(
        &self,
        script: &str,
        elements: &[&WebElement],
        values: &[Value],
    ) -> T {
        let elements = elements.iter().map(|element| element.to_json().expect("an element"));
        let arguments: Vec<_> = elements.chain(values.iter().cloned()).collect();
        let answer = self.driver.execute(script, arguments).await.expect("the script runs");
        answer.convert().expect("what the script returns")
    }

    /// How many elements a selector finds.
    pub async fn count(&self, selector: &str) -> usize {
        self.driver.find_all(By::Css(selector)).await.expect("a selector").len()
    }

    /// Bytes that the network carried for this page and everything on it.
    pub async fn weight(&self) -> u64 {
        self.script(WEIGHT).await
    }

    /// Milliseconds from the start of the navigation to the largest contentful paint.
    pub async fn largest_paint(&self) -> f64 {
        let answer = self.driver.execute_async(LARGEST_PAINT, Vec::new()).await;
        answer.expect("the script runs").convert().expect("milliseconds")
    }
}

/// A browser does not tell when something has come about.
pub(super) async fn pause() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}
