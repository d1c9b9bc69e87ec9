//! `letterhead migrate`: one URL, any number of times, and two instances at once.

use std::process::{Child, Command, Stdio};

use letterhead_tests::program::{World, output};

fn with_url(mut command: Command, url: &str) -> Command {
    command.env("LETTERHEAD_DATABASE_URL", url);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn one_url_is_enough_and_two_instances_may_migrate_at_once_and_again() {
    let world = World::create().await;
    let empty = world.database.give_away_empty().await;
    let start = || -> Child {
        let mut command = with_url(world.command(&["migrate"]), &empty);
        command.stdout(Stdio::null()).spawn().expect("the program starts")
    };

    let together = [start(), start(), start()];
    for mut child in together {
        assert!(child.wait().expect("it ends").success());
    }
    assert!(start().wait().expect("it ends").success());

    let mut create = with_url(world.command(&["tenant", "create", "aurora", "Aurora"]), &empty);
    let id = output(&mut create);
    let listed = output(with_url(world.command(&["tenant", "list"]), &empty));
    assert!(listed.contains(&id) && listed.contains("aurora"), "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_master_key_nothing_starts_and_one_sentence_says_why() {
    let world = World::create().await;
    let mut command = world.command(&["serve"]);
    command.env_remove("LETTERHEAD_MASTER_KEYS");

    let ended = command.output().expect("the program runs");

    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains("there is no master key") && said.lines().count() == 1, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_named_in_one_sentence() {
    let world = World::create().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let mut command = world.command(&["serve"]);
    command.env("LETTERHEAD_LISTEN", &address);

    let ended = command.output().expect("the program runs");

    assert_eq!(ended.status.code(), Some(1));
    let said = String::from_utf8_lossy(&ended.stderr);
    let port = format!("port {} is taken", taken.local_addr().expect("an address").port());
    assert!(said.contains(&port) && said.lines().count() == 1, "{said}");
    assert!(said.contains("LETTERHEAD_LISTEN"), "{said}");
}
