//! What was said, without the secret.

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use letterhead_domain::{password::SmtpPassword, text::Username};
use zeroize::Zeroizing;

/// Longest transcript, in bytes.
const MAX_TRANSCRIPT: usize = 32 * 1024;
/// How much of a secret, from its beginning, gives it away. Shorter secrets are matched whole.
const TELLING: usize = 8;
/// What stands in place of a secret.
pub(crate) const REDACTED: &str = "[redacted]";

/// Takes every echo of a password out of what a server says: the password itself, its base64
/// form, and the blob of AUTH PLAIN, each also where the echo breaks off early.
#[derive(Default)]
pub(crate) struct Redactor {
    secrets: Vec<Zeroizing<String>>,
}

impl Redactor {
    /// A redactor for one sign-in.
    pub(crate) fn new(username: &Username, password: &SmtpPassword) -> Self {
        let password = password.expose();
        // Unpadded: the padding that may follow tells nothing.
        let encode = |text: &str| Zeroizing::new(BASE64_STANDARD_NO_PAD.encode(text));
        let blob = Zeroizing::new(format!("\0{username}\0{password}"));
        Self { secrets: vec![Zeroizing::new(password.to_owned()), encode(password), encode(&blob)] }
    }

    /// `text` without the secrets.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| without(&text, secret))
    }
}

fn without(text: &str, secret: &str) -> String {
    let end = secret.char_indices().nth(TELLING).map(|(at, _)| at);
    let telling = end.map_or(secret, |end| &secret[..end]);
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(telling) {
        let (before, echo) = rest.split_at(at);
        let told: usize = echo
            .chars()
            .zip(secret.chars())
            .take_while(|(said, secret)| said == secret)
            .map(|(said, _)| said.len_utf8())
            .sum();
        clean.push_str(before);
        clean.push_str(REDACTED);
        rest = &echo[told..];
    }
    clean.push_str(rest);
    clean
}

/// The lines of a conversation, `C:` and `S:`, up to a bound.
#[derive(Default)]
pub(crate) struct Transcript {
    text: String,
    is_full: bool,
}

impl Transcript {
    /// Notes a line that we said.
    pub(super) fn client(&mut self, line: &str) {
        self.note("C: ", line);
    }

    /// Notes a line that the server said.
    pub(super) fn server(&mut self, line: &str) {
        self.note("S: ", line);
    }

    /// Notes what is not said in words, such as the handshake.
    pub(super) fn remark(&mut self, line: &str) {
        self.note("-- ", line);
    }

    /// Notes nothing more.
    pub(super) fn stop(&mut self) {
        self.is_full = true;
    }

    pub(super) fn text(&self) -> String {
        self.text.clone()
    }

    fn note(&mut self, who: &str, line: &str) {
        if self.is_full {
            return;
        }
        if self.text.len() + who.len() + line.len() + 1 > MAX_TRANSCRIPT {
            self.is_full = true;
            self.text.push_str("-- cut here\n");
            return;
        }
        self.text.push_str(who);
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    fn redactor(password: &str) -> Redactor {
        let password = SmtpPassword::parse(Zeroizing::new(password.to_owned())).unwrap();
        Redactor::new(&"billing@aurora.example".parse().unwrap(), &password)
    }

    #[test]
    fn an_echoed_secret_is_taken_out_in_every_form() {
        let secret = "correct horse battery";
        let blob = BASE64_STANDARD.encode(format!("\0billing@aurora.example\0{secret}"));
        let echoes = [
            format!("bad password {secret}!"),
            format!("bad {secret}{secret}"),
            format!("got {}", BASE64_STANDARD.encode(secret)),
            format!("AUTH PLAIN {blob}"),
            format!("AUTH PLAIN {}", &blob[..blob.len() - 7]),
            "cut: correct horse bat".to_owned(),
        ];
        let redactor = redactor(secret);
        for echo in echoes {
            let clean = redactor.redact(&echo);
            assert!(clean.contains(REDACTED), "{clean}");
            for part in [secret, "correct h", &blob[..12], &BASE64_STANDARD.encode(secret)[..12]] {
                assert!(!clean.contains(part), "{clean} still holds {part}");
            }
        }
    }

    #[test]
    fn a_text_without_the_secret_stays_as_it_is() {
        for (password, text) in [("hunter22", "5.7.8 hunted"), ("ä", "nothing"), ("é€é", "e")]
        {
            assert_eq!(redactor(password).redact(text), text);
        }
    }

    #[test]
    fn a_transcript_ends_at_its_bound() {
        let mut transcript = Transcript::default();
        for _ in 0..1_000 {
            transcript.server(&"x".repeat(100));
        }
        assert!(transcript.text().len() <= MAX_TRANSCRIPT + 20);
        assert!(transcript.text().ends_with("cut here\n"));
    }
}
