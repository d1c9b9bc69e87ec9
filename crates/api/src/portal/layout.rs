//! What every page has around it: name and logo, who is signed in, the way to the other pages.

use std::sync::Arc;

use letterhead_domain::access::Deed;

use super::{
    assets::Assets,
    config::PortalConfig,
    texts::Texts,
    visit::{Place, Visit},
};

/// What is known of a request before anybody is signed in.
#[derive(Clone)]
pub(crate) struct Site {
    /// What the operator chose.
    pub(crate) config: Arc<PortalConfig>,
    /// The files that pages need, by address.
    pub(crate) assets: Arc<Assets>,
    /// The texts in the reader's language.
    pub(crate) texts: Texts,
    /// The path and query that were asked for.
    pub(crate) here: String,
}

/// A page of the sidebar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nav {
    /// SMTP Settings.
    Settings,
    /// Test history.
    TestRuns,
    /// Versions.
    Versions,
    /// Messages.
    Messages,
    /// Activity.
    Activity,
    /// Who is signed in.
    Sessions,
    /// Guides.
    Guides,
    /// All tenants.
    Tenants,
    /// Tests of many tenants.
    BulkRuns,
    /// Which of the operator's people are signed in.
    OperatorSessions,
}

/// A tenant's pages: key of the name, what they need, and the address below the tenant's.
const TENANT_PAGES: [(Nav, &str, Deed, &str); 7] = [
    (Nav::Settings, "nav-settings", Deed::SeeSettings, "senders/{sender}"),
    (Nav::TestRuns, "nav-test-runs", Deed::SeeSettings, "senders/{sender}/test-runs"),
    (Nav::Versions, "nav-versions", Deed::SeeSettings, "senders/{sender}/versions"),
    (Nav::Messages, "nav-messages", Deed::SeeMail, "messages"),
    (Nav::Activity, "nav-activity", Deed::SeeMail, "activity"),
    (Nav::Sessions, "nav-sessions", Deed::SteerSessions, "sessions"),
    (Nav::Guides, "nav-guides", Deed::SeeSettings, "guides"),
];

/// The operator's pages.
const OPERATOR_PAGES: [(Nav, &str, &str); 3] = [
    (Nav::Tenants, "nav-tenants", "tenants"),
    (Nav::BulkRuns, "nav-bulk-runs", "bulk-runs"),
    (Nav::OperatorSessions, "nav-operator-sessions", "sessions"),
];

/// A line of the sidebar.
pub(crate) struct NavItem {
    pub(crate) name: String,
    pub(crate) href: String,
    pub(crate) is_here: bool,
}

/// Who is signed in, as the page shows them.
pub(crate) struct Signed {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) role: String,
}

/// A word at the top of the page about what was just done.
pub(crate) struct Banner {
    /// `success`, `failure`, `warning` or `info`.
    pub(crate) kind: &'static str,
    /// The sentence.
    pub(crate) text: String,
}

impl Banner {
    /// A banner for what went well.
    pub(crate) fn success(text: String) -> Self {
        Self { kind: "success", text }
    }

    /// A banner for what failed: it is announced at once and takes the focus.
    pub(crate) fn failure(text: String) -> Self {
        Self { kind: "failure", text }
    }

    /// Whether it must interrupt a reader.
    pub(crate) fn is_alert(&self) -> bool {
        self.kind == "failure"
    }
}

/// What the template `layout.html` shows.
pub(crate) struct Layout {
    pub(crate) t: Texts,
    pub(crate) product: String,
    pub(crate) logo: Option<String>,
    pub(crate) style: String,
    pub(crate) brand: String,
    pub(crate) icon: String,
    pub(crate) script: String,
    pub(crate) tenant: Option<String>,
    pub(crate) signed: Option<Signed>,
    pub(crate) csrf: String,
    pub(crate) tenant_pages: Vec<NavItem>,
    pub(crate) operator_pages: Vec<NavItem>,
    pub(crate) languages: Vec<NavItem>,
    pub(crate) banner: Option<Banner>,
    /// Seconds after which a browser without JavaScript loads the page again.
    pub(crate) reload: Option<u32>,
}

impl Layout {
    /// Around a page that nobody needs to be signed in for.
    pub(crate) fn bare(site: &Site) -> Self {
        let (t, assets) = (site.texts, &site.assets);
        let path = site.here.split('?').next().unwrap_or_default();
        let languages = Texts::languages().map(|(code, name)| NavItem {
            name: name.to_owned(),
            href: format!("{path}?lang={code}"),
            is_here: code == t.code(),
        });
        Self {
            t,
            product: site.config.product_name.clone(),
            logo: assets.logo(),
            style: assets.address("portal.css"),
            brand: assets.address("brand.css"),
            icon: assets.address("icon.svg"),
            script: assets.address("portal.js"),
            tenant: None,
            signed: None,
            csrf: String::new(),
            tenant_pages: Vec::new(),
            operator_pages: Vec::new(),
            languages: languages.collect(),
            banner: None,
            reload: None,
        }
    }

    /// Around a page for somebody who is signed in; `place` is the tenant whose page it is.
    pub(crate) fn of(visit: &Visit, place: Option<&Place>, here: Nav) -> Self {
        let t = visit.site.texts;
        let person = &visit.person;
        let mut layout = Self::bare(&visit.site);
        layout.csrf.clone_from(&visit.csrf);
        layout.banner = visit.did.as_deref().and_then(|did| t.find_text(did)).map(Banner::success);
        layout.signed = Some(Signed {
            name: person.name.to_string(),
            email: person.email.to_string(),
            role: t.say(&format!("role-{}", person.role.as_str())),
        });
        if let Some(place) = place {
            layout.tenant = Some(place.tenant.name.to_string());
            let pages = TENANT_PAGES.iter().filter(|(_, _, deed, _)| person.role.may(*deed));
            let item = |&(nav, name, _, path): &(Nav, &str, Deed, &str)| NavItem {
                name: t.say(name),
                href: place.path(&path.replace("{sender}", &place.sender)),
                is_here: nav == here,
            };
            layout.tenant_pages = pages.map(item).collect();
        }
        if person.role.may(Deed::Operate) {
            let item = |&(nav, name, path): &(Nav, &str, &str)| NavItem {
                name: t.say(name),
                href: format!("/portal/operator/{path}"),
                is_here: nav == here,
            };
            layout.operator_pages = OPERATOR_PAGES.iter().map(item).collect();
        }
        layout
    }

    /// The same, with `banner` at the top instead of what was just done.
    pub(crate) fn with_banner(mut self, banner: Option<Banner>) -> Self {
        self.banner = banner.or(self.banner);
        self
    }

    /// The same, loaded again every few seconds by a browser without JavaScript.
    pub(crate) fn with_reload(mut self, seconds: Option<u32>) -> Self {
        self.reload = seconds;
        self
    }
}
