//! What a PDF says: its text, its links, and what screen readers need.

use std::collections::BTreeSet;

use lopdf::{Dictionary, Document, Object, decode_text_string};

/// A PDF, read.
pub struct Pdf(Document);

impl Pdf {
    /// Reads `bytes`.
    pub fn read(bytes: &[u8]) -> Self {
        Self(Document::load_mem(bytes).expect("a PDF"))
    }

    /// How many pages it has.
    pub fn pages(&self) -> usize {
        self.0.get_pages().len()
    }

    /// Its text without any white space, since lines end where the page does. Compare with
    /// [`squeezed`] text.
    pub fn text(&self) -> String {
        let pages: Vec<_> = self.0.get_pages().into_keys().collect();
        squeezed(&self.0.extract_text(&pages).expect("text that can be selected"))
    }

    /// Where its links lead.
    pub fn links(&self) -> BTreeSet<String> {
        let actions = self.dictionaries().filter_map(|dictionary| {
            let action = self.0.get_dict_in_dict(dictionary, b"A").ok()?;
            action.get(b"URI").ok()?.as_str().ok().map(<[u8]>::to_vec)
        });
        actions.map(|uri| String::from_utf8(uri).expect("a URI")).collect()
    }

    /// Whether its parts are named for what they are, so that a screen reader can find its way.
    pub fn is_tagged(&self) -> bool {
        let marked = self.0.get_dict_in_dict(self.catalog(), b"MarkInfo");
        let marked = marked.and_then(|info| info.get(b"Marked")?.as_bool()).unwrap_or_default();
        marked && self.0.get_dict_in_dict(self.catalog(), b"StructTreeRoot").is_ok()
    }

    /// The language that it says it is in.
    pub fn language(&self) -> String {
        self.catalog().get(b"Lang").and_then(decode_text_string).expect("a language")
    }

    /// What it is called.
    pub fn title(&self) -> String {
        let info = self.0.get_dict_in_dict(&self.0.trailer, b"Info").expect("its description");
        info.get(b"Title").and_then(decode_text_string).expect("a title")
    }

    /// What each of its pictures shows, said in words.
    pub fn picture_texts(&self) -> Vec<String> {
        let figures = self.dictionaries().filter(|dictionary| {
            dictionary.get(b"S").and_then(Object::as_name).is_ok_and(|name| name == b"Figure")
        });
        figures
            .map(|figure| figure.get(b"Alt").and_then(decode_text_string).expect("words"))
            .collect()
    }

    fn catalog(&self) -> &Dictionary {
        self.0.catalog().expect("a catalog")
    }

    fn dictionaries(&self) -> impl Iterator<Item = &Dictionary> {
        self.0.objects.values().filter_map(|object| object.as_dict().ok())
    }
}

/// `text` without white space, and without the hyphens that lines may end in.
pub fn squeezed(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '\u{ad}' | '\u{2010}'))
        .collect()
}
