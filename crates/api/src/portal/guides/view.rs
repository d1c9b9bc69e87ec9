//! A guide as its page shows it.

use std::collections::BTreeMap;

use crate::{
    app::guides::{Block, Guide, Section, Setting, Span, Text, Value},
    portal::texts::Texts,
};

/// What the tenant has in each field, by the field's name.
pub(super) type OwnValues = BTreeMap<&'static str, String>;

/// A stretch of text in one form, for the template.
pub(super) struct Stretch {
    /// `text`, `strong`, `code` or `link`.
    pub(super) form: &'static str,
    pub(super) text: String,
    /// Where a link leads; empty elsewhere.
    pub(super) url: String,
}

/// A guide with the tenant's own values.
pub(super) struct GuideView {
    pub(super) title: String,
    /// The day, such as `2026-11-23`.
    pub(super) revised: String,
    pub(super) summary: Vec<Stretch>,
    pub(super) needs: Vec<Vec<Stretch>>,
    pub(super) settings: Vec<SettingRow>,
    /// Whether the tenant has values of its own to compare with.
    pub(super) has_own: bool,
    pub(super) sections: Vec<SectionView>,
    pub(super) sources: Vec<String>,
}

pub(super) struct SectionView {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) blocks: Vec<BlockView>,
}

/// One thing in a section.
pub(super) enum BlockView {
    Text(Vec<Stretch>),
    Steps { first: usize, steps: Vec<Vec<Stretch>> },
    Note { kind: &'static str, text: Vec<Stretch> },
    Reasons(Vec<(Vec<Stretch>, Vec<Stretch>)>),
    Settings,
    Drawing { src: String, alt: String, caption: String },
}

/// What to enter in one field, and what the tenant has there now.
pub(super) struct SettingRow {
    pub(super) label: String,
    pub(super) value: Option<String>,
    pub(super) note: Vec<Stretch>,
    pub(super) own: Option<String>,
    /// Whether the tenant's value is another than the one that must be there.
    pub(super) differs: bool,
}

/// `text` for the template.
pub(super) fn stretches(text: &Text) -> Vec<Stretch> {
    let plain = |form, text: &String| Stretch { form, text: text.clone(), url: String::new() };
    text.spans()
        .iter()
        .map(|span| match span {
            Span::Text(text) => plain("text", text),
            Span::Strong(text) => plain("strong", text),
            Span::Code(text) => plain("code", text),
            Span::Link { text, url } => {
                Stretch { form: "link", text: text.clone(), url: url.clone() }
            }
        })
        .collect()
}

impl GuideView {
    /// `drawings` is the address below which the drawings are.
    pub(super) fn of(t: Texts, guide: &Guide, own: &OwnValues, drawings: &str) -> Self {
        Self {
            title: guide.title.clone(),
            revised: guide.revised.to_string(),
            summary: stretches(&guide.summary),
            needs: guide.needs.iter().map(stretches).collect(),
            settings: guide.settings.iter().map(|setting| row(t, setting, own)).collect(),
            has_own: !own.is_empty(),
            sections: guide.sections.iter().map(|one| section(one, drawings)).collect(),
            sources: guide.sources.clone(),
        }
    }
}

fn row(t: Texts, setting: &Setting, own: &OwnValues) -> SettingRow {
    let name = setting.field.as_str();
    let value = setting.value.as_ref().map(|value| match value {
        Value::Exact(word) if name == "encryption" => t.say(&format!("encryption-{word}")),
        Value::Exact(_) | Value::Pattern(_) => value.shown().to_owned(),
    });
    let own = own.get(name).cloned();
    let is_exact = matches!(setting.value, Some(Value::Exact(_)));
    SettingRow {
        label: t.say(&format!("field-{name}")),
        differs: is_exact && own.is_some() && own != value,
        value,
        note: stretches(&setting.note),
        own,
    }
}

fn section(section: &Section, drawings: &str) -> SectionView {
    let blocks = section.blocks.iter().map(|block| match block {
        Block::Text(text) => BlockView::Text(stretches(text)),
        Block::Steps { first, steps } => {
            BlockView::Steps { first: *first, steps: steps.iter().map(stretches).collect() }
        }
        Block::Info(text) => BlockView::Note { kind: "info", text: stretches(text) },
        Block::Warning(text) => BlockView::Note { kind: "warning", text: stretches(text) },
        Block::Reasons(reasons) => BlockView::Reasons(
            reasons
                .iter()
                .map(|reason| (stretches(&reason.when), stretches(&reason.then)))
                .collect(),
        ),
        Block::Settings => BlockView::Settings,
        Block::Drawing(drawing) => BlockView::Drawing {
            src: format!("{drawings}/{}.svg", drawing.name),
            alt: drawing.alt.clone(),
            caption: drawing.caption.clone(),
        },
    });
    SectionView { id: section.id.clone(), title: section.title.clone(), blocks: blocks.collect() }
}
