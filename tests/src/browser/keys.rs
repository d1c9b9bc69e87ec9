//! The keyboard, and where it is.

use serde::Deserialize;
use thirtyfour::Key;

use super::Browser;

/// The element that has the focus.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Focus {
    /// Its tag in lower case; `body` when nothing has the focus.
    pub tag: String,
    /// Its role, where it is given.
    pub role: String,
    /// Its label or words.
    pub name: String,
    /// Whether one sees that it has the focus.
    pub is_visible: bool,
}

/// A ring, or a shadow in its place, that is not there without the focus.
const FOCUS: &str = r"
const element = document.activeElement ?? document.body;
const words = text => text.replace(/\s+/g, ' ').trim();
const label = element === document.body ? '' : element.getAttribute('aria-label')
  ?? element.labels?.[0]?.textContent ?? element.innerText ?? '';
const style = getComputedStyle(element);
const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
return {
  tag: element.tagName.toLowerCase(),
  role: element.getAttribute('role') ?? '',
  name: words(label),
  is_visible: ring || style.boxShadow !== 'none',
};
";

impl Browser {
    /// Presses one key.
    pub async fn key(&self, key: Key) {
        let chain = self.driver.action_chain().key_down(key.clone()).key_up(key);
        chain.perform().await.expect("a key");
    }

    /// Types into whatever has the focus.
    pub async fn type_keys(&self, text: &str) {
        self.driver.action_chain().send_keys(text).perform().await.expect("keys");
    }

    /// What has the focus.
    pub async fn focus(&self) -> Focus {
        self.script(FOCUS).await
    }

    /// Presses Tab until something of this name has the focus, and gives the names passed.
    ///
    /// # Panics
    ///
    /// If the keyboard does not come there, or passes something without showing where it is.
    pub async fn tab_to(&self, name: &str) -> Vec<String> {
        let mut passed = Vec::new();
        for _ in 0..100 {
            self.key(Key::Tab).await;
            let focus = self.focus().await;
            let is_there = focus.name == name || focus.name.starts_with(&format!("{name} "));
            assert!(focus.is_visible || focus.tag == "body", "one does not see {focus:?}");
            if is_there {
                return passed;
            }
            // Past the last stop it begins again at the window itself.
            if focus.tag == "body" && passed.contains(&focus.name) {
                break;
            }
            passed.push(focus.name);
        }
        panic!("the keyboard does not reach {name}, only {passed:?}");
    }
}
