//! Who is calling: the API key in `Authorization: Bearer`, and the address it came from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use letterhead_domain::access::Principal;
use poem::{
    Addr, Error, Request, RequestBody, Result,
    http::{HeaderMap, header},
};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};

use super::{error::ApiError, server::HttpConfig};
use crate::app::{App, access};

/// The name of the security scheme in the API document.
const SCHEME: &str = "ApiKey";

/// The principal whose key came with the request. Extracting one is the first thing an operation
/// does, so whatever else is wrong, a request without a key that works is answered 401.
pub(super) struct SignedIn(pub(super) Principal);

impl<'a> ApiExtractor<'a> for SignedIn {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        let description = "An operator's or a tenant's API key, as a bearer token.";
        let scheme = MetaSecurityScheme {
            ty: "http",
            description: Some(description),
            name: None,
            key_in: None,
            scheme: Some("bearer"),
            bearer_format: Some("lhk_<kind>_<id>_<secret><crc32>"),
            flows: None,
            openid_connect_url: None,
        };
        registry.create_security_scheme(SCHEME, scheme);
    }

    fn security_schemes() -> Vec<&'static str> {
        vec![SCHEME]
    }

    async fn from_request(
        request: &'a Request,
        _body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> Result<Self> {
        // A request without a key is no try to guess one: it is not counted against its address.
        let Some(key) = bearer(request.headers()) else {
            return Err(ApiError::unauthorized().into());
        };
        let (Some(app), Some(config)) = (request.data::<App>(), request.data::<HttpConfig>())
        else {
            return Err(Error::from_status(poem::http::StatusCode::INTERNAL_SERVER_ERROR));
        };
        let client = client_address(request, &config.trusted_proxies);
        let principal = access::authenticate(app, key, client).await.map_err(ApiError::from)?;
        Ok(Self(principal))
    }
}

/// The bearer token, if there is exactly one `Authorization` header and it holds one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let line = lines.next()?.to_str().ok()?;
    let (scheme, token) = line.split_once(' ')?;
    let only = lines.next().is_none() && scheme.eq_ignore_ascii_case("bearer");
    only.then(|| token.trim_start_matches(' '))
}

/// The address that failures to sign in are counted against.
fn client_address(request: &Request, trusted: &[IpAddr]) -> IpAddr {
    let peer = match &request.remote_addr().0 {
        Addr::SocketAddr(peer) => peer.ip(),
        Addr::Unix(_) | Addr::Custom(..) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    };
    let forwarded = request.headers().get_all("x-forwarded-for").iter();
    let forwarded = forwarded.filter_map(|line| line.to_str().ok()).collect::<Vec<_>>();
    household(believed(peer, &forwarded, trusted))
}

/// The peer, or, when the peer is a trusted proxy, the last address in the forwarding chain that
/// is not one. What stands before it was written by somebody whom nobody vouches for.
fn believed(peer: IpAddr, forwarded: &[&str], trusted: &[IpAddr]) -> IpAddr {
    let mut believed = peer.to_canonical();
    let hops = forwarded.iter().flat_map(|line| line.split(',')).map(str::trim);
    for hop in hops.collect::<Vec<_>>().into_iter().rev() {
        if !trusted.contains(&believed) {
            break;
        }
        match hop.parse::<IpAddr>() {
            Ok(address) => believed = address.to_canonical(),
            Err(_) => break,
        }
    }
    believed
}

/// All addresses of one IPv6 network of 64 bits: one household has as many as it likes.
fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_forwarded_address_is_believed_only_from_a_trusted_proxy() {
        let trusted = [ip("10.0.0.1"), ip("10.0.0.2")];
        let cases: [(&str, &[&str], &str); 8] = [
            ("198.51.100.7", &[], "198.51.100.7"),
            ("198.51.100.7", &["203.0.113.9"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["1.2.3.4, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["1.2.3.4", "203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.2"], "10.0.0.2"),
            ("::ffff:10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
        ];
        for (peer, forwarded, expected) in cases {
            assert_eq!(
                believed(ip(peer), forwarded, &trusted),
                ip(expected),
                "{peer} {forwarded:?}"
            );
        }
    }

    #[test]
    fn one_network_of_64_bits_counts_as_one_client() {
        assert_eq!(household(ip("2001:db8:1:2:3:4:5:6")), ip("2001:db8:1:2::"));
        assert_eq!(household(ip("198.51.100.7")), ip("198.51.100.7"));
    }

    #[test]
    fn a_key_is_one_bearer_token() {
        let headers = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::AUTHORIZATION, poem::http::HeaderValue::from_static(line));
            }
            headers
        };
        assert_eq!(bearer(&headers(&["Bearer lhk_x"])), Some("lhk_x"));
        assert_eq!(bearer(&headers(&["bearer  lhk_x"])), Some("lhk_x"));
        for refused in [&[][..], &["lhk_x"], &["Basic lhk_x"], &["Bearer a", "Bearer b"]] {
            assert_eq!(bearer(&headers(refused)), None, "{refused:?}");
        }
    }
}
