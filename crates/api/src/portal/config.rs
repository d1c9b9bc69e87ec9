//! What the operator chose about the portal, parsed once.

use std::{fmt, net::SocketAddr, str::FromStr};

/// What the operator chose about the portal.
#[derive(Clone, Debug)]
pub struct PortalConfig {
    /// Where readers' browsers find it.
    pub public_url: PublicUrl,
    /// What it is called on every page.
    pub product_name: String,
    /// The operator's logo.
    pub logo: Option<Logo>,
    /// The colour of the main buttons and, mixed, of links.
    pub accent: Option<Accent>,
    /// The sites that may show the pages inside a frame.
    pub frame_ancestors: Vec<Origin>,
}

/// Why a value is not usable, as a sentence for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidChoice(&'static str);

/// Scheme, host and port of a site, as a browser writes them into `Origin`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

impl Origin {
    /// The origin as text, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Scheme and authority of `text`, in lower case; the scheme's own port left out.
    fn parse(text: &str) -> Option<(Self, &'static str, String)> {
        let text = text.trim().trim_end_matches('/').to_ascii_lowercase();
        let (scheme, authority) = text.split_once("://")?;
        let (scheme, own_port) = match scheme {
            "https" => ("https", ":443"),
            "http" => ("http", ":80"),
            _ => return None,
        };
        let authority = authority.strip_suffix(own_port).unwrap_or(authority);
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            Some(_) | None => (authority, None),
        };
        let host_fits = !host.is_empty()
            && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._[]:".contains(&b));
        let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        let fits = host_fits && port_fits;
        fits.then(|| (Self(format!("{scheme}://{authority}")), scheme, host.to_owned()))
    }
}

impl FromStr for Origin {
    type Err = InvalidChoice;

    fn from_str(text: &str) -> Result<Self, InvalidChoice> {
        match Self::parse(text) {
            Some((origin, "https", _)) => Ok(origin),
            Some((origin, _, host)) if is_loopback(&host) => Ok(origin),
            Some(_) | None => {
                Err(InvalidChoice("give an https origin, such as https://app.example.com"))
            }
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where readers' browsers find the portal: an origin, with TLS unless it is this machine.
///
/// The session's cookie is `Secure`, so without TLS nobody could stay signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(Origin);

impl PublicUrl {
    /// Where whoever sits at this machine reaches what listens on `address`.
    pub fn at(address: SocketAddr) -> Self {
        let authority = match (address.ip().is_loopback(), address.port()) {
            (true, _) => address.to_string(),
            (false, port) => format!("127.0.0.1:{port}"),
        };
        let authority = authority.strip_suffix(":80").unwrap_or(&authority);
        Self(Origin(format!("http://{authority}")))
    }

    /// The URL, without a slash at its end.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The same, as a browser writes it into `Origin`.
    pub fn origin(&self) -> &str {
        self.0.as_str()
    }

    /// Whether readers come over TLS.
    pub fn is_https(&self) -> bool {
        self.0.0.starts_with("https:")
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidChoice;

    fn from_str(text: &str) -> Result<Self, InvalidChoice> {
        let origin = text.parse().map_err(|_| {
            InvalidChoice(
                "give an https URL without a path, such as https://mail.example.com; http is \
                 possible for 127.0.0.1 and localhost only, since browsers keep nobody signed in \
                 without TLS",
            )
        });
        origin.map(Self)
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.parse::<std::net::Ipv4Addr>();
    host == "localhost" || host == "[::1]" || address.is_ok_and(|address| address.is_loopback())
}

/// The operator's logo.
#[derive(Clone, Debug)]
pub struct Logo {
    /// `image/svg+xml` or `image/png`.
    pub content_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Logo {
    /// Most bytes of a logo: every first page load carries it.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Takes a file for what its first bytes say it is. A browser shows it as an image, in which
    /// no script runs.
    ///
    /// # Errors
    ///
    /// [`InvalidChoice`] if it is neither SVG nor PNG, or larger than [`Logo::MAX_BYTES`].
    pub fn parse(bytes: Vec<u8>) -> Result<Self, InvalidChoice> {
        let begins = bytes.trim_ascii_start();
        let content_type = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            "image/png"
        } else if begins.starts_with(b"<svg") || begins.starts_with(b"<?xml") {
            "image/svg+xml"
        } else {
            return Err(InvalidChoice("the logo must be an SVG or PNG file"));
        };
        if bytes.len() > Self::MAX_BYTES {
            return Err(InvalidChoice("the logo must not be larger than 64 KiB"));
        }
        Ok(Self { content_type, bytes })
    }
}

/// A colour on which white text can be read (WCAG 2.2, success criterion 1.4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accent([u8; 3]);

impl Accent {
    /// The contrast of white text on the colour.
    fn contrast_with_white(self) -> f64 {
        let [red, green, blue] = self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
    }
}

impl FromStr for Accent {
    type Err = InvalidChoice;

    fn from_str(text: &str) -> Result<Self, InvalidChoice> {
        let is_hex =
            |digits: &&str| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let digits = text.strip_prefix('#').filter(is_hex);
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let Some(number) = number else {
            return Err(InvalidChoice("give the colour as #rrggbb"));
        };
        let [_, red, green, blue] = number.to_be_bytes();
        let accent = Self([red, green, blue]);
        if accent.contrast_with_white() < 4.5 {
            return Err(InvalidChoice(
                "choose a darker colour: white text on it would be hard to read (its contrast \
                 must be at least 4.5:1)",
            ));
        }
        Ok(accent)
    }
}

impl fmt::Display for Accent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_url_is_an_origin_with_tls_or_on_this_machine() {
        let cases = [
            ("https://Mail.Example.com/", Some("https://mail.example.com")),
            ("https://mail.example.com:443", Some("https://mail.example.com")),
            ("https://mail.example.com:8443", Some("https://mail.example.com:8443")),
            ("http://127.0.0.1:8480", Some("http://127.0.0.1:8480")),
            ("http://localhost:80/", Some("http://localhost")),
            ("http://[::1]:8480", Some("http://[::1]:8480")),
            ("http://mail.example.com", None),
            ("http://127.example.com@evil.example", None),
            ("https://mail.example.com/path", None),
            ("https://user@mail.example.com", None),
            ("https://", None),
            ("https://a:99999", None),
            ("ftp://a", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let parsed = text.parse::<PublicUrl>().ok();
            assert_eq!(parsed.as_ref().map(PublicUrl::as_str), expected, "{text}");
        }
    }

    #[test]
    fn without_a_public_url_the_portal_is_where_this_machine_reaches_it() {
        for (address, expected) in [
            ("127.0.0.1:8480", "http://127.0.0.1:8480"),
            ("127.0.0.2:80", "http://127.0.0.2"),
            ("[::1]:8480", "http://[::1]:8480"),
            ("0.0.0.0:8480", "http://127.0.0.1:8480"),
            ("192.0.2.7:9000", "http://127.0.0.1:9000"),
        ] {
            let url = PublicUrl::at(address.parse().expect("an address"));
            assert_eq!(url.as_str(), expected);
            assert_eq!(url.as_str().parse(), Ok(url.clone()));
        }
    }

    #[test]
    fn an_accent_is_a_colour_that_white_text_can_be_read_on() {
        for (text, expected) in [
            ("#1d5fd1", Some("#1d5fd1")),
            ("#000000", Some("#000000")),
            ("#767676", Some("#767676")),
            ("#777777", None),
            ("#ffffff", None),
            ("1d5fd1", None),
            ("#12345", None),
            ("#+12345", None),
        ] {
            let parsed = text.parse::<Accent>().ok().map(|accent| accent.to_string());
            assert_eq!(parsed.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_logo_is_what_its_first_bytes_say() {
        let kind = |bytes: &[u8]| Logo::parse(bytes.to_vec()).ok().map(|logo| logo.content_type);

        assert_eq!(kind(b"\x89PNG\r\n\x1a\n..."), Some("image/png"));
        assert_eq!(kind(b"\n<svg xmlns='x'/>"), Some("image/svg+xml"));
        assert_eq!(kind(b"<html>"), None);
        assert_eq!(kind(&[b"<svg".to_vec(), vec![b' '; Logo::MAX_BYTES]].concat()), None);
    }
}
