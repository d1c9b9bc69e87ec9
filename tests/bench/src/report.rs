//! What came of it: medians, how far the measurements lie apart, ratios, goals. For people as a table
//! in Markdown, for programs as a file of JSON for each part.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};

use crate::{Failure, PARTS, machine, machine::Busy, tools::Tools};

/// Everything measured in one run of one part.
#[derive(Serialize, Deserialize)]
pub(crate) struct Part {
    name: String,
    machine: String,
    /// Whether it says no more than that everything works.
    short: bool,
    rows: Vec<Row>,
}

/// One measured thing.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Row {
    /// What was measured, such as `32 sessions`.
    pub(crate) measured: String,
    /// Who was.
    pub(crate) who: String,
    pub(crate) unit: String,
    /// One for each round.
    pub(crate) values: Vec<f64>,
    /// Processors that were busy with it: by name, one value for each round.
    pub(crate) processors: Vec<(String, Vec<f64>)>,
    /// How many times this the compared rate is, one for each round.
    pub(crate) ratios: Vec<f64>,
    pub(crate) goal: Option<Goal>,
    /// What else there is to say.
    pub(crate) note: String,
}

/// What is to be reached.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Goal {
    /// The median ratio is at least this.
    Ratio(f64),
    /// The median ratio is at most this.
    RatioAtMost(f64),
    /// The median value is at least this.
    AtLeast(f64),
    /// The median value is at most this.
    AtMost(f64),
}

impl Row {
    /// A row without measurements.
    pub(crate) fn new(measured: &str, who: &str, unit: &str) -> Self {
        Self {
            measured: measured.to_owned(),
            who: who.to_owned(),
            unit: unit.to_owned(),
            ..Self::default()
        }
    }

    /// The row with a goal.
    pub(crate) fn with_goal(self, goal: Goal) -> Self {
        Self { goal: Some(goal), ..self }
    }

    /// Adds a round's processors, by `names` for the processes that were measured.
    pub(crate) fn add_busy(&mut self, names: &[&str], busy: &Busy) {
        let processes = names.iter().copied().zip(busy.processes.iter().copied());
        for (name, value) in processes.chain([("machine", busy.machine)]) {
            match self.processors.iter_mut().find(|(other, _)| other == name) {
                Some((_, values)) => values.push(value),
                None => self.processors.push((name.to_owned(), vec![value])),
            }
        }
    }

    /// Sets how many times this `ours` is, round by round.
    pub(crate) fn compare(&mut self, ours: &Self) {
        self.ratios =
            ours.values.iter().zip(&self.values).map(|(one, other)| one / other).collect();
    }

    fn verdict(&self) -> Option<bool> {
        Some(match self.goal? {
            Goal::Ratio(least) => median(&self.ratios) >= least,
            Goal::RatioAtMost(most) => median(&self.ratios) <= most,
            Goal::AtLeast(least) => median(&self.values) >= least,
            Goal::AtMost(most) => median(&self.values) <= most,
        })
    }

    fn print(&self) {
        let busy = self.processors.iter();
        let busy = busy.map(|(name, values)| format!("{name} {:.2}", median(values)));
        let ratio = if self.ratios.is_empty() {
            String::new()
        } else {
            format!("{} ×", spread(&self.ratios))
        };
        let goal = match self.goal {
            None => String::new(),
            Some(Goal::Ratio(least)) => format!("≥ {least} ×"),
            Some(Goal::RatioAtMost(most)) => format!("≤ {most} ×"),
            Some(Goal::AtLeast(least)) => format!("≥ {}", number(least)),
            Some(Goal::AtMost(most)) => format!("≤ {}", number(most)),
        };
        let verdict = match self.verdict() {
            None => "",
            Some(true) => "met",
            Some(false) => "**missed**",
        };
        println!(
            "| {} | {} | {} {} | {} | {ratio} | {goal} | {verdict} | {} |",
            self.measured,
            self.who,
            spread(&self.values),
            self.unit,
            busy.collect::<Vec<_>>().join(", "),
            self.note,
        );
    }
}

impl Part {
    /// A part without rows, on this machine as it is now.
    pub(crate) async fn begin(tools: &Tools, name: &str, short: bool) -> Result<Self, Failure> {
        println!("measuring: {name}");
        let machine = machine::describe(&tools.superuser).await?;
        Ok(Self { name: name.to_owned(), machine, short, rows: Vec::new() })
    }

    /// Adds a row, and says that it is there.
    pub(crate) fn add(&mut self, row: Row) {
        let (values, unit) = (spread(&row.values), &row.unit);
        println!("  {}, {}: {values} {unit}", row.measured, row.who);
        self.rows.push(row);
    }

    /// Prints everything as a table, and keeps it.
    pub(crate) fn end(&self, tools: &Tools) -> Result<(), Failure> {
        self.print();
        fs::create_dir_all(&tools.results)?;
        let file = tools.results.join(format!("{}.json", self.name));
        fs::write(&file, serde_json::to_string_pretty(self)?)?;
        println!("kept in {}\n", file.display());
        Ok(())
    }

    fn print(&self) {
        let short = if self.short { " (short: says only that it works)" } else { "" };
        println!("\n### {}{short}\n\n{}\n", self.name, self.machine);
        println!("| measured | who | median (lowest–highest) | processors | ratio | goal | | |");
        println!("|---|---|---|---|---|---|---|---|");
        self.rows.iter().for_each(Row::print);
        println!();
    }
}

/// Prints what earlier runs have kept.
pub(crate) fn print_all(results: &Path) -> Result<(), Failure> {
    for part in PARTS {
        let file = results.join(format!("{part}.json"));
        // A part that was never measured has none.
        if let Ok(text) = fs::read_to_string(file) {
            serde_json::from_str::<Part>(&text)?.print();
        }
    }
    Ok(())
}

/// The median, with the lowest and the highest where there are several.
fn spread(values: &[f64]) -> String {
    let (low, high) =
        values.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), &v| (low.min(v), high.max(v)));
    match values {
        [] => "–".to_owned(),
        [one] => number(*one),
        _ => format!("{} ({}–{})", number(median(values)), number(low), number(high)),
    }
}

/// With thousands apart, and as many digits behind the point as say something.
fn number(value: f64) -> String {
    let digits = match value {
        100.0.. => 0,
        10.0.. => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    match text.split_once('.') {
        Some((whole, rest)) => format!("{}.{rest}", grouped(&whole)),
        None => grouped(&text),
    }
}

/// A whole number with thousands apart.
pub(crate) fn grouped(number: &dyn ToString) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The middle one.
pub(crate) fn median(values: &[f64]) -> f64 {
    percentile(values, 50)
}

/// The value that `percent` of the values do not exceed.
pub(crate) fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_rounded() {
        let cases =
            [(0.1234, "0.12"), (12.34, "12.3"), (999.6, "1,000"), (1_234_567.0, "1,234,567")];
        for (value, expected) in cases {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<_> = (1..=100).map(f64::from).collect();

        assert!((percentile(&values, 99) - 99.0).abs() < f64::EPSILON);
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((percentile(&[7.0], 95) - 7.0).abs() < f64::EPSILON);
    }
}
