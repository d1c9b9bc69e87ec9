//! What the browser itself complained about.

use thirtyfour::BrowserLogEntry;

use super::Browser;

impl Browser {
    /// Breaches of the page's policy, errors on the console, exceptions nobody caught and parts of
    /// a page that could not be loaded, since this was asked last.
    ///
    /// Not among them: a page that answers with a refusal. The browser calls it an error too,
    /// but a person sees the page.
    pub async fn problems(&self) -> Vec<String> {
        let entries = self.driver.browser_log().await.expect("the browser's log");
        entries.into_iter().filter(is_problem).map(|entry| entry.message).collect()
    }
}

fn is_problem(entry: &BrowserLogEntry) -> bool {
    if ["DEBUG", "INFO", "FINE"].contains(&entry.level.as_str()) {
        return false;
    }
    let is_asset = entry.message.contains("/portal/assets/");
    is_asset || !entry.message.contains("the server responded with a status of 4")
}
