//! The files that pages need: style sheet, scripts, logo. They are built in, and their addresses
//! carry a hash of what they hold, so that a browser may keep them for good.

use std::fmt::Write;

use poem::{
    Response,
    http::{StatusCode, header},
};
use sha2::{Digest, Sha256};

use super::config::PortalConfig;

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// What is the same for every operator.
const BUILT_IN: [(&str, &str, &str); 6] = [
    ("operator.js", SCRIPT, include_str!("../../assets/operator.js")),
    ("portal.css", STYLE, include_str!("../../assets/portal.css")),
    ("portal.js", SCRIPT, include_str!("../../assets/portal.js")),
    ("run.js", SCRIPT, include_str!("../../assets/run.js")),
    ("settings.js", SCRIPT, include_str!("../../assets/settings.js")),
    ("icon.svg", "image/svg+xml", include_str!("../../assets/icon.svg")),
];

/// Where the operator's logo is, below the assets' address.
const LOGO: &str = "logo";
/// What the operator chose, as a style sheet of its own: no page needs a style inside it.
const BRAND: &str = "brand.css";

struct Asset {
    name: &'static str,
    content_type: &'static str,
    bytes: Vec<u8>,
    hash: String,
}

/// Every file that pages need.
pub(crate) struct Assets(Vec<Asset>);

impl Assets {
    /// The built-in files, and those that `config` makes.
    pub(super) fn of(config: &PortalConfig) -> Self {
        let mut assets = Self(Vec::new());
        for (name, content_type, text) in BUILT_IN {
            assets.add(name, content_type, text.as_bytes().to_vec());
        }
        let accent = config.accent.as_ref();
        let brand =
            accent.map_or_else(String::new, |accent| format!(":root{{--brand:{accent}}}\n"));
        assets.add(BRAND, STYLE, brand.into_bytes());
        if let Some(logo) = &config.logo {
            assets.add(LOGO, logo.content_type, logo.bytes.clone());
        }
        assets
    }

    fn add(&mut self, name: &'static str, content_type: &'static str, bytes: Vec<u8>) {
        let digest = Sha256::digest(&bytes);
        let hash = digest.iter().take(8).fold(String::new(), |mut hash, byte| {
            let _infallible = write!(hash, "{byte:02x}");
            hash
        });
        self.0.push(Asset { name, content_type, bytes, hash });
    }

    fn find(&self, name: &str) -> Option<&Asset> {
        self.0.iter().find(|asset| asset.name == name)
    }

    /// Where the file called `name` is.
    pub(crate) fn address(&self, name: &str) -> String {
        let hash = self.find(name).map_or("", |asset| asset.hash.as_str());
        format!("/portal/assets/{hash}/{name}")
    }

    /// Where the operator's logo is, if there is one.
    pub(crate) fn logo(&self) -> Option<String> {
        self.find(LOGO).map(|_| self.address(LOGO))
    }

    /// The file called `name`; to be kept if it is still the one with this `hash`.
    pub(super) fn answer(&self, hash: &str, name: &str) -> Response {
        let Some(asset) = self.find(name) else {
            return StatusCode::NOT_FOUND.into();
        };
        let response = Response::builder().content_type(asset.content_type);
        let response = if asset.hash == hash {
            response.header(header::CACHE_CONTROL, "public, max-age=31536000, immutable")
        } else {
            response
        };
        response.body(asset.bytes.clone())
    }
}
