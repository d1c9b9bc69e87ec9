//! The document against the program: schemathesis makes up calls, and no answer may break the
//! schema or be a 5xx.

use std::{
    env,
    process::{Command, Stdio},
};

use letterhead_tests::program::World;

/// Seconds of generated calls: short here, longer by `make schemathesis`.
const SECONDS: &str = "60";

#[tokio::test(flavor = "multi_thread")]
async fn schemathesis_finds_no_server_error_and_no_broken_schema() {
    #[expect(clippy::disallowed_methods, reason = "make test says where schemathesis is")]
    let (tool, seconds) =
        (env::var("LETTERHEAD_SCHEMATHESIS"), env::var("LETTERHEAD_SCHEMATHESIS_SECONDS"));
    let Ok(tool) = tool else {
        eprintln!("skipped: needs schemathesis");
        return;
    };
    let seconds: u64 = seconds.as_deref().unwrap_or(SECONDS).parse().expect("seconds");
    let (world, instance) = World::start().await;
    let aurora = world.live_tenant(&instance, "aurora").await;

    // Paths that exist, so that the calls get further than to a 404.
    let parameters = "[parameters]\n\"path.tenant\" = \"self\"\n\"path.sender\" = \"default\"\n";
    for (key, name, parameters) in
        [(world.operator_key.as_str(), "operator", ""), (aurora.key(), "tenant", parameters)]
    {
        let report = world.folder().join(format!("schemathesis-{name}"));
        let configuration = report.with_extension("toml");
        std::fs::write(&configuration, parameters).expect("a file");
        let mut command = Command::new("timeout");
        command
            .args(["--signal=INT", "--kill-after=30", &(seconds / 2).to_string(), &tool])
            .arg("--config-file")
            .arg(&configuration)
            .arg("run")
            .arg(format!("{}/openapi.json", instance.url))
            .args(["--header", &format!("Authorization: Bearer {key}")])
            .args(["--checks", CHECKS, "--max-examples", "10000", "--no-color"])
            .args(["--continue-on-failure", "--workers", "2", "--report-dir"])
            .arg(&report)
            .current_dir(world.folder())
            .stdin(Stdio::null());
        let output = command.output().expect("schemathesis runs");
        let said = String::from_utf8_lossy(&output.stdout);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            said.contains("Tested: "),
            "schemathesis did not get to its summary: {said}{error}"
        );
        assert!(!said.contains("- Server error"), "{said}");
        assert!(!said.contains("FAILURES"), "{said}");
    }
    // It is alive, and answers as before.
    assert_eq!(world.operator(&instance).get("/readyz").await.status, 200);
}

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";
