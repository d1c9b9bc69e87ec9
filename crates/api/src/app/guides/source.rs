//! A guide's source, as `docs/guides.md` describes it: TOML, read strictly and once.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Deserialize;
use thiserror::Error;

use super::{Block, Drawing, Field, Guide, Reason, Section, Setting, Text, Value, files};

/// Why a source makes no guide.
#[derive(Debug, Error)]
pub(super) enum InvalidSource {
    #[error("read the source")]
    Toml(#[from] toml::de::Error),
    #[error("there is no drawing {0}")]
    UnknownDrawing(String),
    #[error("{0:?} is out of the page's order, or there twice")]
    FieldOrder(Field),
    #[error("{0:?} has both a value and a pattern")]
    TwoValues(Field),
    #[error("two sections are called {0}")]
    SectionTwice(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GuideSource {
    title: String,
    revised: NaiveDate,
    summary: Text,
    #[serde(default)]
    needs: Vec<Text>,
    #[serde(default)]
    settings: Vec<SettingSource>,
    sections: Vec<SectionSource>,
    #[serde(default)]
    troubles: Vec<ReasonSource>,
    #[serde(default)]
    later: Vec<SectionSource>,
    sources: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingSource {
    field: Field,
    value: Option<String>,
    pattern: Option<String>,
    #[serde(default)]
    note: Text,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionSource {
    id: String,
    title: String,
    blocks: Vec<BlockSource>,
}

/// A table with one key says what kind of block it is.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum BlockSource {
    Text(Text),
    Steps(Vec<Text>),
    Info(Text),
    Warning(Text),
    Reasons(Vec<ReasonSource>),
    Drawing(String),
    /// `settings = true`: the table's place.
    Settings(bool),
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReasonSource {
    when: Text,
    then: Text,
}

/// What every guide has in common.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EveryGuide {
    /// How the values get into the SMTP Settings page: only in guides that have some.
    enter: SectionSource,
    troubles: Troubles,
    drawings: BTreeMap<String, DrawingSource>,
}

/// What goes wrong with any server.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Troubles {
    title: String,
    text: Text,
    reasons: Vec<ReasonSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DrawingSource {
    caption: String,
    alt: String,
}

/// Makes the guide `id` of its source and of what every guide has in common.
pub(super) fn read(id: &'static str, source: &str) -> Result<Guide, InvalidSource> {
    let every: EveryGuide = toml::from_str(files::EVERY_GUIDE)?;
    let own: GuideSource = toml::from_str(source)?;
    let settings = settings(own.settings)?;
    let mut sections = Vec::new();
    for section in own.sections {
        sections.push(every.section(section)?);
    }
    if !settings.is_empty() {
        sections.push(every.section(every.enter.clone())?);
        sections.push(every.trouble_section(own.troubles));
    }
    for section in own.later {
        sections.push(every.section(section)?);
    }
    let ids: Vec<_> = sections.iter().map(|section: &Section| &section.id).collect();
    if let Some(twice) = ids.iter().enumerate().find(|(at, id)| ids[..*at].contains(id)) {
        return Err(InvalidSource::SectionTwice((*twice.1).clone()));
    }
    Ok(Guide {
        id,
        title: own.title,
        revised: own.revised,
        summary: own.summary,
        needs: own.needs,
        settings,
        sections,
        sources: own.sources,
    })
}

fn settings(sources: Vec<SettingSource>) -> Result<Vec<Setting>, InvalidSource> {
    let mut settings: Vec<Setting> = Vec::new();
    for SettingSource { field, value, pattern, note } in sources {
        if settings.last().is_some_and(|last| last.field >= field) {
            return Err(InvalidSource::FieldOrder(field));
        }
        let value = match (value, pattern) {
            (None, None) => None,
            (Some(value), None) => Some(Value::Exact(value)),
            (None, Some(pattern)) => Some(Value::Pattern(pattern)),
            (Some(_), Some(_)) => return Err(InvalidSource::TwoValues(field)),
        };
        settings.push(Setting { field, value, note });
    }
    Ok(settings)
}

impl EveryGuide {
    fn section(&self, source: SectionSource) -> Result<Section, InvalidSource> {
        let SectionSource { id, title, blocks } = source;
        let mut first = 1;
        let mut made = Vec::new();
        for block in blocks {
            made.push(match block {
                BlockSource::Text(text) => Block::Text(text),
                BlockSource::Steps(steps) => {
                    let count = steps.len();
                    first += count;
                    Block::Steps { first: first - count, steps }
                }
                BlockSource::Info(text) => Block::Info(text),
                BlockSource::Warning(text) => Block::Warning(text),
                BlockSource::Reasons(reasons) => {
                    Block::Reasons(reasons.into_iter().map(Into::into).collect())
                }
                BlockSource::Settings(true) => Block::Settings,
                BlockSource::Settings(false) => continue,
                BlockSource::Drawing(name) => Block::Drawing(self.drawing(&name)?),
            });
        }
        Ok(Section { id, title, blocks: made })
    }

    fn drawing(&self, name: &str) -> Result<Drawing, InvalidSource> {
        match self.drawings.get(name) {
            Some(DrawingSource { caption, alt }) if super::drawing(name).is_some() => {
                Ok(Drawing { name: name.to_owned(), caption: caption.clone(), alt: alt.clone() })
            }
            Some(_) | None => Err(InvalidSource::UnknownDrawing(name.to_owned())),
        }
    }

    /// The guide's own troubles come first: they are the likely ones.
    fn trouble_section(&self, own: Vec<ReasonSource>) -> Section {
        let Troubles { title, text, reasons } = &self.troubles;
        let reasons = own.into_iter().chain(reasons.clone()).map(Into::into).collect();
        let blocks = vec![Block::Text(text.clone()), Block::Reasons(reasons)];
        Section { id: "troubles".to_owned(), title: title.clone(), blocks }
    }
}

impl From<ReasonSource> for Reason {
    fn from(source: ReasonSource) -> Self {
        Self { when: source.when, then: source.then }
    }
}
