//! The hosted portal for one test: a world whose program knows the address it is reached at.

use std::{net::TcpListener, process};

use serde_json::json;

use crate::{
    browser::Browser,
    client::Client,
    program::{Instance, World},
};

/// A world with one instance that serves the portal and delivers.
pub struct Portal {
    /// The running program.
    pub instance: Instance,
    /// What it stands on.
    pub world: World,
}

impl Portal {
    /// Starts a portal.
    pub async fn start() -> Self {
        Self::start_with(World::create().await, &[])
    }

    /// Starts a portal on `world`, with more `environment`.
    pub fn start_with(world: World, environment: &[(&str, &str)]) -> Self {
        let port = free_port();
        let (listen, url) = (format!("127.0.0.1:{port}"), format!("http://127.0.0.1:{port}"));
        let mut all = vec![("LETTERHEAD_LISTEN", &*listen), ("LETTERHEAD_PUBLIC_URL", &*url)];
        all.extend_from_slice(environment);
        let instance = world.serve(&all);
        Self { instance, world }
    }

    /// A browser for this portal; nothing where there is no Chromium.
    pub async fn browser(&self) -> Option<Browser> {
        Browser::start_or_skip(&self.instance.url).await
    }

    /// A client with the operator's key.
    pub fn operator(&self) -> Client {
        self.world.operator(&self.instance)
    }

    /// Creates a tenant with a key that may do everything.
    pub async fn tenant(&self, slug: &str) -> Client {
        self.world.tenant(&self.instance, slug).await
    }

    /// Creates a tenant whose default sender is live.
    pub async fn live_tenant(&self, slug: &str) -> Client {
        self.world.live_tenant(&self.instance, slug).await
    }

    /// A one-time link for `ann@<tenant>.example` in this role.
    pub async fn link(&self, tenant: &str, role: &str) -> String {
        let body =
            json!({"role": role, "email": format!("ann@{tenant}.example"), "name": "Ann Reyes"});
        self.link_for(&format!("/v1/tenants/{tenant}/portal-links"), body).await
    }

    /// A one-time link for somebody of the operator.
    pub async fn operator_link(&self) -> String {
        let body =
            json!({"role": "operator", "email": "ops@operator.example", "name": "Olga Cruz"});
        self.link_for("/v1/portal-links", body).await
    }

    async fn link_for(&self, path: &str, body: serde_json::Value) -> String {
        let answer = self.operator().post(path, body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.body["url"].as_str().expect("a link").to_owned()
    }
}

impl Browser {
    /// Signs in with a one-time link, and stays on the page that follows.
    pub async fn redeem(&self, link: &str) {
        self.open(link).await;
        self.press("Continue").await;
    }

    /// Signs in as `ann@<tenant>.example` in this role.
    pub async fn sign_in(&self, portal: &Portal, tenant: &str, role: &str) {
        self.redeem(&portal.link(tenant, role).await).await;
    }
}

/// A port that nothing listens on: the program must know its own address before it listens.
///
/// Taken from below the range that the system gives out by itself, beginning at a number of this
/// process, so that no test beside it takes it meanwhile.
fn free_port() -> u16 {
    let first = 10_000 + u16::try_from(process::id() % 20_000).unwrap_or_default();
    let mut ports = first..first + 1_000;
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    ports.find(is_free).expect("a free port")
}
