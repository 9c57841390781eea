//! A strict reader of what scrapers read: OpenMetrics 1.0 and Prometheus text 0.0.4. Panics at whatever either forbids or
//! promtool complains of.

use std::collections::{BTreeMap, BTreeSet};

/// A family of metrics.
#[derive(Debug, Default)]
pub struct Family {
    pub kind: String,
    pub samples: Vec<Sample>,
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// Families by name: in OpenMetrics without `_total` and `_info`.
pub type Families = BTreeMap<String, Family>;

/// All samples of this name.
pub fn samples<'a>(families: &'a Families, name: &str) -> Vec<&'a Sample> {
    families.values().flat_map(|family| &family.samples).filter(|sample| sample.name == name).collect()
}

/// The value of the only sample that has this name and these labels.
pub fn value(families: &Families, name: &str, labels: &[(&str, &str)]) -> f64 {
    let has =
        |sample: &&Sample| labels.iter().all(|(name, value)| sample.labels.get(*name).is_some_and(|it| it == value));
    let found: Vec<_> = samples(families, name).into_iter().filter(has).collect();
    assert_eq!(found.len(), 1, "{name} {labels:?}: {found:?}");
    found[0].value
}

/// Reads a text.
pub fn read(text: &str, is_open: bool) -> Families {
    assert!(text.ends_with('\n'), "the last line has an end");
    let text = match is_open {
        true => text.strip_suffix("# EOF\n").expect("# EOF is the last line"),
        false => text,
    };
    let mut families = Families::new();
    let mut series = BTreeSet::new();
    let mut current = String::new();
    for line in text.lines() {
        assert!(!line.is_empty() && line.trim() == line, "{line:?}");
        if let Some(comment) = line.strip_prefix("# ") {
            let (word, rest) = comment.split_once(' ').expect("a word and more");
            let (name, rest) = rest.split_once(' ').expect("a name and more");
            assert!(is_name(name, true), "{line}");
            match word {
                "HELP" => {
                    assert!(!families.contains_key(name), "{name} is not in one piece");
                    assert!(!rest.is_empty() && !rest.ends_with('.'), "{line}");
                    families.insert(name.into(), Family::default());
                    current = name.into();
                }
                "TYPE" | "UNIT" => {
                    let family = families.get_mut(name).filter(|_| name == current).expect("HELP is first");
                    assert!(family.samples.is_empty(), "{line} is behind samples");
                    if word == "TYPE" {
                        family.kind = rest.into();
                    } else {
                        assert!(is_open && name.ends_with(&format!("_{rest}")), "{line}");
                    }
                }
                _ => panic!("{line}"),
            }
            continue;
        }
        let sample = sample(line);
        let family = families.get_mut(&current).expect("HELP is first");
        assert!(belongs(&sample.name, &current, &family.kind, is_open), "{line} is of no {} {current}", family.kind);
        assert!(family.kind == "gauge" || sample.value >= 0.0, "{line}");
        assert!(family.kind != "info" || sample.value == 1.0, "{line}");
        assert!(series.insert((sample.name.clone(), sample.labels.clone())), "{line} is there twice");
        family.samples.push(sample);
    }
    for (name, family) in &families {
        assert!(!family.samples.is_empty() && !family.kind.is_empty(), "{name}");
        if family.kind == "histogram" {
            histogram(name, &family.samples);
        }
    }
    families
}

fn belongs(sample: &str, family: &str, kind: &str, is_open: bool) -> bool {
    let Some(suffix) = sample.strip_prefix(family) else { return false };
    match kind {
        "gauge" => suffix.is_empty() && !sample.ends_with("_total"),
        "counter" if is_open => suffix == "_total" && !family.ends_with("_total"),
        "counter" => suffix.is_empty() && sample.ends_with("_total"),
        "info" => is_open && suffix == "_info",
        "histogram" => ["_bucket", "_sum", "_count"].contains(&suffix),
        _ => false,
    }
}

fn is_name(name: &str, with_colon: bool) -> bool {
    let is_letter = |letter: char| letter.is_ascii_alphabetic() || letter == '_' || with_colon && letter == ':';
    name.starts_with(is_letter) && name.chars().all(|letter| is_letter(letter) || letter.is_ascii_digit())
}

fn sample(line: &str) -> Sample {
    let end = line.find(['{', ' ']).expect("a name");
    let name = line[..end].to_owned();
    assert!(is_name(&name, true), "{line}");
    let (labels, rest) = match line[end..].strip_prefix('{') {
        Some(rest) => labels(rest),
        None => (BTreeMap::new(), &line[end..]),
    };
    let number = rest.strip_prefix(' ').expect("a blank before the number");
    assert!(number.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-'), "{line}");
    Sample { name, labels, value: number.parse().unwrap_or_else(|_| panic!("{line}")) }
}

/// Labels, and what is behind them.
fn labels(mut rest: &str) -> (BTreeMap<String, String>, &str) {
    let mut labels = BTreeMap::new();
    loop {
        let (name, after) = rest.split_once("=\"").expect("a label");
        assert!(is_name(name, false) && !name.starts_with("__"), "{name}");
        let mut value = String::new();
        let mut letters = after.char_indices();
        let end = loop {
            match letters.next().expect("the end of a value") {
                (at, '"') => break at,
                (_, '\\') => value.push(match letters.next().expect("what is escaped").1 {
                    'n' => '\n',
                    letter @ ('\\' | '"') => letter,
                    other => panic!("\\{other} is no escape"),
                }),
                (_, letter) => value.push(letter),
            }
        };
        assert!(labels.insert(name.to_owned(), value).is_none(), "{name} twice");
        rest = &after[end + 1..];
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => return (labels, rest.strip_prefix('}').expect("the end of labels")),
        }
    }
}

/// Classes rise, and the last one has all.
fn histogram(name: &str, samples: &[Sample]) {
    let mut last: BTreeMap<BTreeMap<String, String>, (f64, f64)> = BTreeMap::new();
    for sample in samples {
        let mut labels = sample.labels.clone();
        let bound = labels.remove("le");
        match sample.name.strip_prefix(name) {
            Some("_bucket") => {
                let bound = bound.expect("le");
                let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().expect("a bound") };
                let before = last.insert(labels, (bound, sample.value));
                assert!(before.is_none_or(|(lower, count)| lower < bound && count <= sample.value), "{sample:?}");
            }
            Some("_count") => assert_eq!(last[&labels], (f64::INFINITY, sample.value), "{sample:?}"),
            _ => assert!(bound.is_none(), "{sample:?}"),
        }
    }
}
