//! How a reader has set up the browser: colours, sizes, motion, scripts.

use serde_json::{Value, json};

use super::Browser;

impl Browser {
    /// Prefers a `light` or a `dark` page from now on.
    pub async fn theme(&self, theme: &str) {
        self.prefer("prefers-color-scheme", theme).await;
    }

    /// Prefers that nothing moves.
    pub async fn reduced_motion(&self) {
        self.prefer("prefers-reduced-motion", "reduce").await;
    }

    async fn prefer(&self, name: &str, value: &str) {
        let features = json!({"features": [{"name": name, "value": value}]});
        self.command("Emulation.setEmulatedMedia", features).await;
    }

    /// Makes the window this many CSS pixels wide.
    pub async fn width(&self, pixels: u32) {
        self.metrics(pixels, 900, 1).await;
    }

    /// Shows everything at twice its size in a window 1,280 pixels wide.
    pub async fn zoom_to_double(&self) {
        // What the browser's own zoom does to a page: half as many CSS pixels, each twice as large.
        self.metrics(640, 450, 2).await;
    }

    async fn metrics(&self, width: u32, height: u32, scale: u32) {
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": scale, "mobile": false});
        self.command("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// Makes the window as high as the page, up to a limit, so that a picture shows all of it.
    pub async fn show_all(&self, width: u32) {
        self.command("Emulation.setScrollbarsHidden", json!({"hidden": true})).await;
        self.metrics(width, 900, 1).await;
        let height: u32 = self.script("return document.documentElement.scrollHeight").await;
        self.metrics(width, height.clamp(640, 1_600), 1).await;
    }

    /// Runs no script of a page from now on.
    pub async fn without_javascript(&self) {
        self.command("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    }

    /// Forgets what it keeps of pages seen before.
    pub async fn forget_cache(&self) {
        self.command("Network.clearBrowserCache", json!({})).await;
    }

    /// Is in this time zone, such as `Asia/Manila`, from now on.
    pub async fn time_zone(&self, zone: &str) {
        self.command("Emulation.setTimezoneOverride", json!({"timezoneId": zone})).await;
    }

    /// Asks for pages in these languages, as in `Accept-Language`.
    pub async fn languages(&self, languages: &str) {
        let headers = json!({"headers": {"Accept-Language": languages}});
        self.command("Network.enable", json!({})).await;
        self.command("Network.setExtraHTTPHeaders", headers).await;
    }

    /// How many CSS pixels of the page lie beyond the window's right edge.
    pub async fn overflow(&self) -> i64 {
        let script = "const { scrollWidth, clientWidth } = document.documentElement; return scrollWidth - clientWidth";
        self.script(script).await
    }

    /// The beginnings of what can be read only by scrolling a part of the page sideways; not among
    /// them is what servers said, whose lines are their own.
    pub async fn scrolled_sideways(&self) -> Vec<String> {
        let script = "
            return [...document.querySelectorAll('body *:not(pre, textarea, input, select)')]
              .filter(part => ['auto', 'scroll'].includes(getComputedStyle(part).overflowX))
              .filter(part => part.checkVisibility() && part.scrollWidth > part.clientWidth)
              .map(part => part.innerText.slice(0, 60));";
        self.script(script).await
    }

    async fn command(&self, method: &str, parameters: Value) {
        let answer = self.driver.cdp().send_raw(method, parameters).await;
        answer.unwrap_or_else(|err| panic!("{method}: {err}"));
    }
}
