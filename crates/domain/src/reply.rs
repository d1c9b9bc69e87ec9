//! What a mail server answered.

use std::fmt;

/// An enhanced status code (RFC 3463), such as 5.7.8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnhancedCode(pub u8, pub u16, pub u16);

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// One reply of a server: its code, its enhanced code if it begins with one, and its text,
/// already cut and cleaned. The text is a stranger's: escape it wherever it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The three digits (RFC 5321, section 4.2).
    pub code: u16,
    /// The enhanced status code, if the text began with one.
    pub enhanced: Option<EnhancedCode>,
    /// The text without the codes, lines joined with a space.
    pub text: String,
}

impl Reply {
    /// Longest text that is kept, in characters.
    pub const MAX_CHARS: usize = 500;

    /// A reply with `code` whose lines are `text`: the enhanced code is taken off its front,
    /// control characters become spaces, and the rest is cut to [`Reply::MAX_CHARS`].
    pub fn new(code: u16, text: &str) -> Self {
        let (enhanced, text) = split_enhanced(text.trim());
        let text: String = text
            .chars()
            .map(|c| if crate::text::is_unsafe_in_line(c) { ' ' } else { c })
            .take(Self::MAX_CHARS)
            .collect();
        Self { code, enhanced, text: text.trim().to_owned() }
    }

    /// Reads back what `Display` wrote. Nothing is a reply that does not begin with three digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (code, text) = text.split_once(' ').unwrap_or((text, ""));
        let is_code = code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit());
        is_code.then(|| code.parse().ok()).flatten().map(|code| Self::new(code, text))
    }

    /// 2yz: the server did it.
    pub fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// 4yz: the server may do it later.
    pub fn is_transient(&self) -> bool {
        (400..500).contains(&self.code)
    }

    /// 5yz: the server will not do it.
    pub fn is_permanent(&self) -> bool {
        (500..600).contains(&self.code)
    }

    /// Whether the text holds `words`, whatever their case.
    pub fn says(&self, words: &str) -> bool {
        self.text.to_lowercase().contains(&words.to_lowercase())
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        if self.text.is_empty() { Ok(()) } else { write!(f, " {}", self.text) }
    }
}

fn split_enhanced(text: &str) -> (Option<EnhancedCode>, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let mut parts = word.split('.').map(str::parse::<u16>);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Ok(class @ (2 | 4 | 5))), Some(Ok(subject)), Some(Ok(detail)), None)
            if subject < 1000 && detail < 1000 =>
        {
            let class = if class == 2 {
                2
            } else if class == 4 {
                4
            } else {
                5
            };
            (Some(EnhancedCode(class, subject, detail)), rest)
        }
        _ => (None, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enhanced_code_is_taken_off_the_front() {
        let cases = [
            ("5.7.8 Username and Password not accepted", Some(EnhancedCode(5, 7, 8))),
            ("4.7.0", Some(EnhancedCode(4, 7, 0))),
            ("Sorry 5.7.8", None),
            ("3.0.0 no such class", None),
            ("5.7.8.1 too long", None),
            ("5.1000.1 too large", None),
            ("", None),
        ];
        for (text, enhanced) in cases {
            assert_eq!(Reply::new(550, text).enhanced, enhanced, "{text:?}");
        }
    }

    #[test]
    fn what_was_printed_reads_back() {
        for text in ["5.7.8 Username and Password not accepted", "Sorry 5.7.8", "4.7.0", ""] {
            let reply = Reply::new(535, text);
            assert_eq!(Reply::parse(&reply.to_string()), Some(reply));
        }
        for text in ["", "53", "5350", "x35 no", "\u{0665}\u{0663}\u{0665}"] {
            assert_eq!(Reply::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_reply_is_one_clean_line_of_bounded_length() {
        let reply = Reply::new(550, &format!("no\r\n\u{1b}[31m{}", "x".repeat(10_000)));

        assert!(!reply.text.contains(['\r', '\n', '\u{1b}']));
        assert!(reply.text.chars().count() <= Reply::MAX_CHARS);
        assert_eq!(Reply::new(250, "2.0.0 OK").to_string(), "250 2.0.0 OK");
    }
}
