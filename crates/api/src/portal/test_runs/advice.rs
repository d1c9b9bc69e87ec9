//! The advice of a failed run in the reader's language.
//!
//! A run keeps the words that it was given, in English. Where the texts know the advice by its code,
//! with as many steps, their words are shown instead.

use letterhead_storage::record::StoredAdvice;

use crate::portal::texts::Texts;

/// What happened and what to do.
pub(in crate::portal) struct Words {
    pub(in crate::portal) title: String,
    pub(in crate::portal) steps: Vec<String>,
}

/// The words of `advice` for the reader.
pub(in crate::portal) fn words(t: Texts, advice: &StoredAdvice) -> Words {
    // The same code may be told otherwise where a guide goes with it.
    let with_guide = advice.guide.iter().map(|guide| format!("advice-{}-{guide}", advice.code));
    let keys = with_guide.chain([format!("advice-{}", advice.code)]);
    keys.into_iter()
        .find_map(|key| known(t, &key, advice.steps.len()))
        .unwrap_or_else(|| Words { title: advice.title.clone(), steps: advice.steps.clone() })
}

/// What an advice says first, by its code alone: in the reader's language, else in the words that
/// were kept, else the code itself.
pub(in crate::portal) fn title(t: Texts, code: &str, kept: Option<&str>) -> String {
    t.find_text(&format!("advice-{code}")).unwrap_or_else(|| kept.unwrap_or(code).to_owned())
}

fn known(t: Texts, key: &str, steps: usize) -> Option<Words> {
    let title = t.find_text(key)?;
    let steps = (1..=steps).map(|step| t.find_text(&format!("{key}-{step}")));
    Some(Words { title, steps: steps.collect::<Option<_>>()? })
}

#[cfg(test)]
mod tests {
    use letterhead_domain::advice::{Side, all};

    use super::*;

    #[test]
    fn the_english_words_are_those_that_a_run_keeps() {
        for advice in &all() {
            let stored = StoredAdvice::from(advice);

            let told = words(Texts::english(), &stored);

            assert_eq!((told.title, told.steps), (stored.title, stored.steps), "{}", advice.code);
        }
    }

    #[test]
    fn every_advice_is_known_in_every_language() {
        for (code, _) in Texts::languages() {
            let t = Texts::find(code).expect("a language");
            for advice in &all() {
                let stored = StoredAdvice { title: "?".to_owned(), ..StoredAdvice::from(advice) };
                assert_ne!(words(t, &stored).title, "?", "{code}: {}", advice.code);
            }
        }
    }

    #[test]
    fn an_advice_that_nobody_knows_any_more_keeps_its_words() {
        let old = StoredAdvice {
            code: "moon_phase".to_owned(),
            side: Side::Theirs,
            title: "The moon is full.".to_owned(),
            steps: vec!["Wait.".to_owned()],
            guide: None,
        };

        let told = words(Texts::english(), &old);

        assert_eq!((told.title.as_str(), told.steps.len()), ("The moon is full.", 1));
    }
}
