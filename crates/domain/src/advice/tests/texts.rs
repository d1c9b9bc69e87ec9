use super::*;

#[test]
fn a_code_is_worded_once_for_each_guide_and_has_one_meaning() {
    let table = all();
    for (index, advice) in table.iter().enumerate() {
        for other in &table[..index] {
            let is_same = (other.code, other.guide) == (advice.code, advice.guide);
            assert!(!is_same, "{} {:?} is worded twice", advice.code, advice.guide);
        }
    }
}

#[test]
fn a_code_is_of_one_side_whoever_the_provider_is() {
    for advice in all() {
        for other in all().iter().filter(|other| other.code == advice.code) {
            assert_eq!(other.side, advice.side, "{}", advice.code);
        }
    }
}

#[test]
fn the_page_of_advice_lists_each_code_with_its_side() {
    let page = include_str!("../../../../../docs/advice.md");
    let mut listed: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split_once("` | "))
        .map(|(code, rest)| (code, rest.split_once(' ').map_or("", |(side, _)| side)))
        .collect();
    listed.sort_unstable();
    let mut codes: Vec<_> = all().iter().map(|a| (a.code, a.side.as_str())).collect();
    codes.sort_unstable();
    codes.dedup();

    assert_eq!(listed, codes);
}

#[test]
fn every_text_is_whole_sentences_in_plain_words() {
    for Advice { code, title, steps, .. } in all() {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(code.chars().all(is_word), "{code}");
        assert!((1..=4).contains(&steps.len()), "{code}");
        for text in steps.iter().chain([&title]) {
            assert!(text.ends_with('.'), "{code}: {text}");
            assert!(text.starts_with(|c: char| c.is_uppercase() || c == '“'), "{code}: {text}");
            assert!(text.chars().count() <= 190, "{code}: {text}");
            assert!(!text.contains("  ") && !text.contains("delivered"), "{code}: {text}");
        }
        // A banner shows these two and no more.
        assert!(title.chars().count() <= 110, "{code}: {title}");
    }
}

#[test]
fn every_provider_and_guide_that_a_row_names_is_known() {
    let is_known = |guide: &str| provider::all().iter().any(|provider| provider.guide == guide);
    for advice in all() {
        assert!(advice.guide.is_none_or(is_known), "{}", advice.code);
    }
    for row in rows() {
        let providers = row.when.providers();
        assert!(providers.iter().all(|id| provider::find(id).is_some()), "{providers:?}");
    }
}

#[test]
fn what_is_told_is_what_its_code_and_guide_are_worded_as() {
    let table = all();
    let worded = |told: &Advice| {
        let own = table.iter().find(|a| (a.code, a.guide) == (told.code, told.guide));
        own.or_else(|| table.iter().find(|a| a.code == told.code && a.guide.is_none())).copied()
    };
    let replies = replies::examples().into_iter().map(|example| Cause::Refused(example.reply));
    let causes: Vec<_> = CAUSES.iter().cloned().chain(replies).collect();
    for host in hosts() {
        for &stage in Stage::ALL {
            for cause in &causes {
                let told = advice(&settings(host), stage, cause.clone());
                let words = worded(&told).map(|words| (words.title, words.steps));
                assert_eq!(words, Some((told.title, told.steps)), "{host} {stage:?} {cause:?}");
            }
        }
    }
}
