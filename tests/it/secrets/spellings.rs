//! A secret in every spelling in which a program may let it slip.

use std::fmt::Write;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// A secret that must not be found.
pub(crate) struct Secret {
    name: &'static str,
    spellings: Vec<(String, String)>,
}

impl Secret {
    /// `secret` must be long enough not to turn up by chance: 24 bytes or more.
    pub(crate) fn new(name: &'static str, secret: &[u8]) -> Self {
        assert!(secret.len() >= 24, "{name} is too short to be looked for");
        let mut spellings = Vec::new();
        if let Ok(text) = std::str::from_utf8(secret) {
            spellings.push(("as it is".to_owned(), text.to_owned()));
        }
        // Whatever stands before it, and before the end of what is encoded with it, its base64
        // has one of three forms in the middle.
        for shift in 0..3 {
            let whole = &secret[shift..];
            let whole = &whole[..whole.len() / 3 * 3];
            for encoded in [STANDARD_NO_PAD.encode(whole), URL_SAFE_NO_PAD.encode(whole)] {
                spellings.push((format!("base64, from its byte {shift} on"), encoded));
            }
        }
        let in_bytes = bytewise("", secret);
        let in_more_bytes: Vec<_> = spellings
            .iter()
            .filter(|(how, _)| how.starts_with("base64"))
            .flat_map(|(how, text)| bytewise(&format!("{how}, then "), text.as_bytes()))
            .collect();
        spellings.extend(in_bytes.into_iter().chain(in_more_bytes));
        Self { name, spellings }
    }

    /// Its name and the spelling in which it stands in `text`, if it does.
    pub(crate) fn find_in(&self, text: &str) -> Option<(&'static str, &str)> {
        let found = self.spellings.iter().find(|(_, spelling)| text.contains(spelling));
        found.map(|(how, _)| (self.name, how.as_str()))
    }
}

/// Spellings that write byte after byte: a `bytea` in a dump, a URL, `Debug` of a slice.
fn bytewise(before: &str, bytes: &[u8]) -> Vec<(String, String)> {
    let each = |write: fn(&mut String, u8)| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            write(&mut text, *byte);
            text
        })
    };
    let hex = each(|text, byte| write!(text, "{byte:02x}").expect("text"));
    let percent = each(|text, byte| write!(text, "%{byte:02x}").expect("text"));
    let spaced = each(|text, byte| write!(text, "{byte}, ").expect("text"));
    let close = each(|text, byte| write!(text, "{byte},").expect("text"));
    [
        ("hex in capitals", hex.to_uppercase()),
        ("hex", hex),
        ("percent signs and capitals", percent.to_uppercase()),
        ("percent signs", percent),
        ("a list of numbers", spaced.trim_end_matches(", ").to_owned()),
        ("a close list of numbers", close.trim_end_matches(',').to_owned()),
    ]
    .into_iter()
    .map(|(how, text)| (format!("{before}{how}"), text))
    .collect()
}

#[test]
fn a_secret_is_found_in_every_spelling_and_nothing_else_is() {
    let secret = "canary-0123456789abcdef0123456789abcdef";
    let plain = format!("\0practice\0{secret}");
    let hex = |text: &str| text.bytes().fold(String::new(), |all, byte| format!("{all}{byte:02x}"));
    let login = STANDARD_NO_PAD.encode(secret);
    let slips = [
        format!("the password is {secret}."),
        serde_json::json!({"password": secret}).to_string(),
        format!("AUTH PLAIN {}", STANDARD_NO_PAD.encode(&plain)),
        format!("AUTH PLAIN {}", STANDARD_NO_PAD.encode(format!("x{plain}"))),
        format!("AUTH PLAIN {}", STANDARD_NO_PAD.encode(format!("xy{plain}"))),
        format!("S: 334\nC: {login}\n"),
        format!("\\x{}", hex(&plain)),
        format!("\\x{}", hex(&plain).to_uppercase()),
        format!("\\x{}", hex(&login)),
        format!("{:?}", plain.as_bytes()),
        serde_json::json!(plain.as_bytes()).to_string(),
        secret.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat(),
    ];

    let canary = Secret::new("the canary", secret.as_bytes());

    for slip in slips {
        assert!(canary.find_in(&slip).is_some(), "not found in {slip}");
    }
    assert_eq!(canary.find_in("canary-0123456789abcdef: AUTH PLAIN [redacted]"), None);
}
