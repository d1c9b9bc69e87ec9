//! What axe-core finds wrong with a page.

use std::{fmt, fs};

use serde_json::Value;

use super::Browser;

/// One broken rule, with the elements that break it.
#[derive(PartialEq, Eq)]
pub struct Violation(String);

impl fmt::Debug for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

const RUN: &str = "
const done = arguments[0];
axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => done(violations));
";

/// What changes its colour slowly has one of its colours only at the end.
const SETTLED: &str = "
return document.getAnimations().every(({ playState, effect }) =>
  playState !== 'running' || effect.getTiming().iterations === Infinity);
";

impl Browser {
    /// Every rule of axe-core, best practices included, that this page breaks.
    pub async fn violations(&self) -> Vec<Violation> {
        self.wait_until("nothing changes any more", SETTLED).await;
        let source = fs::read_to_string(&self.axe).expect("axe-core");
        self.driver.execute(source, Vec::new()).await.expect("axe-core loads");
        let found = self.driver.execute_async(RUN, Vec::new()).await.expect("axe-core runs");
        let found: Vec<Value> = found.convert().expect("violations");
        found.iter().map(violation).collect()
    }
}

fn violation(found: &Value) -> Violation {
    let nodes = found["nodes"].as_array().into_iter().flatten();
    let nodes: Vec<_> = nodes
        .map(|node| format!("\n    {}\n    {}", node["html"], node["failureSummary"]))
        .collect();
    Violation(format!("{}: {}{}", found["id"], found["help"], nodes.concat()))
}
