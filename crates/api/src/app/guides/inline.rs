//! Text with a little markup: `**strong**`, `` `code` `` and `[link](https://…)`, not nested.
//!
//! `guides/manual.typ` reads the same markup for the printed manual.

use std::fmt;

use serde::{Deserialize, Deserializer, de};
use thiserror::Error;

/// A sentence or a few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(Vec<Span>);

/// A stretch of text in one form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    /// As it is.
    Text(String),
    /// What a person should find on a screen, or not overlook.
    Strong(String),
    /// What is typed or shown letter by letter.
    Code(String),
    /// A way to a page.
    Link {
        /// What is shown.
        text: String,
        /// Where it leads: always `https://…`.
        url: String,
    },
}

/// Why a text cannot be read.
#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum InvalidText {
    #[error("`{0}` is not closed")]
    NotClosed(&'static str),
    #[error("`{0}` has nothing in it")]
    Empty(&'static str),
    #[error("a link leads elsewhere than to https://")]
    NotHttps,
    #[error("`*`, `[` and `]` stand only in markup")]
    StrayMark,
}

impl Text {
    /// The text in stretches.
    pub fn spans(&self) -> &[Span] {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads markup. Whatever is not surely right is refused: a guide never shows an asterisk.
    pub(super) fn parse(mut rest: &str) -> Result<Self, InvalidText> {
        let mut spans = Vec::new();
        while let Some(at) = rest.find(['*', '`', '[', ']']) {
            let (before, from) = rest.split_at(at);
            if !before.is_empty() {
                spans.push(Span::Text(before.to_owned()));
            }
            let (span, after) = if let Some(inner) = from.strip_prefix("**") {
                let (strong, after) = until(inner, "**")?;
                (Span::Strong(plain(strong)?), after)
            } else if let Some(inner) = from.strip_prefix('`') {
                let (code, after) = until(inner, "`")?;
                (Span::Code(code.to_owned()), after)
            } else if let Some(inner) = from.strip_prefix('[') {
                let (text, after) = until(inner, "](")?;
                let (url, after) = until(after, ")")?;
                if !url.starts_with("https://") || url.contains(char::is_whitespace) {
                    return Err(InvalidText::NotHttps);
                }
                (Span::Link { text: plain(text)?, url: url.to_owned() }, after)
            } else {
                return Err(InvalidText::StrayMark);
            };
            spans.push(span);
            rest = after;
        }
        if !rest.is_empty() {
            spans.push(Span::Text(rest.to_owned()));
        }
        Ok(Self(spans))
    }
}

/// Parts `text` at `mark`.
fn until<'a>(text: &'a str, mark: &'static str) -> Result<(&'a str, &'a str), InvalidText> {
    match text.split_once(mark) {
        None => Err(InvalidText::NotClosed(mark)),
        Some(("", _)) => Err(InvalidText::Empty(mark)),
        Some(parts) => Ok(parts),
    }
}

/// Markup does not stand in markup.
fn plain(text: &str) -> Result<String, InvalidText> {
    if text.contains(['*', '`', '[', ']']) {
        return Err(InvalidText::StrayMark);
    }
    Ok(text.to_owned())
}

/// Without the markup.
impl fmt::Display for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|span| match span {
            Span::Text(text)
            | Span::Strong(text)
            | Span::Code(text)
            | Span::Link { text, url: _ } => out.write_str(text),
        })
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let written = String::deserialize(source)?;
        Self::parse(&written).map_err(|err| de::Error::custom(format!("{err}: {written}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_spans() {
        let read = Text::parse("Press **Save**, type `tls` and see [help](https://a.example/b).");

        let expected = [
            Span::Text("Press ".to_owned()),
            Span::Strong("Save".to_owned()),
            Span::Text(", type ".to_owned()),
            Span::Code("tls".to_owned()),
            Span::Text(" and see ".to_owned()),
            Span::Link { text: "help".to_owned(), url: "https://a.example/b".to_owned() },
            Span::Text(".".to_owned()),
        ];
        assert_eq!(read.as_ref().map(Text::spans), Ok(&expected[..]));
        assert_eq!(read.unwrap().to_string(), "Press Save, type tls and see help.");
    }

    #[test]
    fn markup_that_is_not_surely_right_is_refused() {
        let cases = [
            ("press **Save", InvalidText::NotClosed("**")),
            ("type `tls", InvalidText::NotClosed("`")),
            ("see [help]", InvalidText::NotClosed("](")),
            ("see [help](https://a.example", InvalidText::NotClosed(")")),
            ("a **** b", InvalidText::Empty("**")),
            ("a `` b", InvalidText::Empty("`")),
            ("2 * 3", InvalidText::StrayMark),
            ("a] b", InvalidText::StrayMark),
            ("**a `b` c**", InvalidText::StrayMark),
            ("[a](http://a.example)", InvalidText::NotHttps),
            ("[a](javascript:alert)", InvalidText::NotHttps),
            ("[a](https://a.example b)", InvalidText::NotHttps),
        ];
        for (markup, expected) in cases {
            assert_eq!(Text::parse(markup), Err(expected), "{markup}");
        }
    }
}
