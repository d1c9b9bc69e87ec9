//! What holds for every request to the portal, whatever page it is for.
//!
//! A form is taken only from our own pages: browsers say in `Sec-Fetch-Site` where a request comes
//! from, older ones in `Origin` alone. (Pages are sent with `Referrer-Policy: no-referrer`, and
//! with it browsers write `Origin: null` into their own forms; `null` alone says nothing.) The
//! token inside each form is the second lock on the same door.

use std::sync::Arc;

use poem::{
    Endpoint, IntoResponse, Request, Response, Result,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
};

use super::{
    assets::Assets, config::PortalConfig, cookies, layout::Site, refusal::Refusal, texts::Texts,
};

/// The portal's routes behind what holds for all of them.
pub(super) struct Guarded<E> {
    inner: E,
    config: Arc<PortalConfig>,
    assets: Arc<Assets>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl<E> Guarded<E> {
    pub(super) fn new(inner: E, config: Arc<PortalConfig>) -> Self {
        let assets = Arc::new(Assets::of(&config));
        Self { inner, headers: headers_of(&config), config, assets }
    }

    fn site(&self, request: &Request) -> Site {
        let headers = request.headers();
        let chosen = chosen_language(request).or_else(|| cookies::language(headers));
        let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|line| line.to_str().ok());
        Site {
            config: Arc::clone(&self.config),
            assets: Arc::clone(&self.assets),
            texts: chosen
                .and_then(Texts::find)
                .unwrap_or_else(|| Texts::negotiate(accept.unwrap_or_default())),
            here: request.uri().to_string(),
        }
    }
}

impl<E: Endpoint> Endpoint for Guarded<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let site = self.site(&request);
        let chosen = chosen_language(&request).and_then(Texts::find);
        let mut response = if changes(request.method()) && !is_own(request.headers(), &self.config)
        {
            Refusal::CrossSite.page(&site)
        } else {
            request.set_data(site.clone());
            match self.inner.call(request).await {
                Ok(response) => response.into_response(),
                Err(err) if err.status() == StatusCode::METHOD_NOT_ALLOWED => {
                    Refusal::MethodNotAllowed.page(&site)
                }
                Err(_) => Refusal::NotFound.page(&site),
            }
        };
        if let Some(texts) = chosen {
            cookies::choose_language(response.headers_mut(), texts.code(), &self.config);
        }
        for (name, value) in &self.headers {
            response.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        Ok(response)
    }
}

/// The language that the query asks for, to be remembered.
fn chosen_language(request: &Request) -> Option<&str> {
    let query = request.uri().query()?;
    query.split('&').find_map(|pair| pair.strip_prefix("lang="))
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

/// Whether a request that changes something comes from a page of ours.
fn is_own(headers: &HeaderMap, config: &PortalConfig) -> bool {
    let word = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let (site, origin) = (word("sec-fetch-site"), word("origin"));
    let fits = match origin {
        Some("null") => site.is_some(),
        Some(origin) => origin == config.public_url.origin(),
        None => true,
    };
    // `none` is the reader's own doing, such as loading the answer to a form again.
    fits && matches!(site, None | Some("same-origin" | "none"))
}

/// What every answer says about how it may be used.
fn headers_of(config: &PortalConfig) -> Vec<(HeaderName, HeaderValue)> {
    let ancestors = match config.frame_ancestors.as_slice() {
        [] => "'none'".to_owned(),
        some => some.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    };
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    );
    let mut lines = vec![
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()".to_owned(),
        ),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin".to_owned()),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin".to_owned()),
    ];
    if config.frame_ancestors.is_empty() {
        lines.push((header::X_FRAME_OPTIONS, "DENY".to_owned()));
    }
    if config.public_url.is_https() {
        lines.push((header::STRICT_TRANSPORT_SECURITY, "max-age=31536000".to_owned()));
    }
    lines.into_iter().filter_map(|(name, value)| Some((name, value.parse().ok()?))).collect()
}
