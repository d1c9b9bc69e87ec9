//! Several instances on one database: nothing is sent by two, and one that stops is no loss.

use std::{collections::HashSet, time::Duration};

use letterhead_mailer::practice_server::gate::Point;
use letterhead_tests::{
    client::Client,
    program::{Instance, World},
};

const LEASED: &str = "SELECT count(*) FROM lanes WHERE lease_token IS NOT NULL";
const SENDERS: &str = "SELECT count(DISTINCT worker) FROM attempts";

/// `count` tenants whose senders are live.
async fn live_tenants(world: &World, instance: &Instance, count: usize) -> Vec<Client> {
    let mut tenants = Vec::new();
    for number in 0..count {
        tenants.push(world.live_tenant(instance, &format!("tenant-{number}")).await);
    }
    tenants
}

/// Hands over `count` messages for each tenant; gives who they are of, and their ids.
async fn send_all(tenants: &[Client], count: usize) -> Vec<(Client, String)> {
    let mut sent = Vec::new();
    for number in 0..count {
        for tenant in tenants {
            let id = tenant.send(&format!("ann{number}@example.net")).await;
            sent.push((tenant.clone(), id));
        }
    }
    sent
}

/// Waits until each message was accepted, and fails if one took more than a single attempt or came
/// to the server twice.
async fn assert_sent_once(world: &World, sent: &[(Client, String)]) {
    for (tenant, id) in sent {
        let message = tenant.wait_for_message(id, &["accepted"]).await;
        let attempts = message["attempts"].as_array().expect("attempts");
        assert_eq!(attempts.len(), 1, "{message}");
    }
    let mails = world.practice.inbox().list();
    let distinct: HashSet<_> = mails.iter().filter_map(|mail| mail.message_id()).collect();
    assert_eq!((mails.len(), distinct.len()), (sent.len(), sent.len()));
}

/// Hands messages over until `count` instances have sent some.
async fn send_until_shared(world: &World, tenants: &[Client], count: i64) -> Vec<(Client, String)> {
    let mut sent = Vec::new();
    for _ in 0..200 {
        sent.extend(send_all(tenants, 2).await);
        if world.database.number(SENDERS).await >= count {
            return sent;
        }
    }
    panic!("{count} instances never had anything to send");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_and_then_four_instances_share_the_lanes_and_send_each_message_once() {
    let world = World::create().await;
    // No more than a quarter of all senders each.
    let few = [("LETTERHEAD_LANES", "2"), ("LETTERHEAD_LEASE_SECONDS", "60")];
    let first = world.serve(&few);
    let tenants = live_tenants(&world, &first, 8).await;
    let _second = world.serve(&few);

    let mut sent = send_until_shared(&world, &tenants, 2).await;
    let (_third, _fourth) = (world.serve(&few), world.serve(&few));
    sent.extend(send_until_shared(&world, &tenants, 4).await);

    assert_sent_once(&world, &sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_asked_to_stop_begins_nothing_new_and_its_lanes_are_free_at_once() {
    let world = World::create().await;
    // Whoever had to wait for the end of a lease would not be served while this test lasts.
    let instance = world.serve(&[("LETTERHEAD_LEASE_SECONDS", "600")]);
    let tenants = live_tenants(&world, &instance, 2).await;
    let gate = world.practice.hold_all(Point::Dot);
    let sent = send_all(&tenants, 20).await;
    gate.reached_by(2).await;
    let marked = "SELECT count(*) FROM attempts";
    let under_way = world.database.number(marked).await;

    instance.ask_to_stop();
    world.wait_for_log("stopping: what is under way is finished").await;
    gate.release();
    let said_success = tokio::task::spawn_blocking(move || instance.stop()).await;

    assert!(said_success.expect("it stops"));
    assert_eq!(world.database.number(marked).await, under_way, "something new was begun");
    let accepted = "SELECT count(*) FROM messages WHERE status = 'accepted'";
    assert_eq!(world.database.number(accepted).await, under_way, "all under way is finished");
    assert_eq!(world.database.number(LEASED).await, 0);
    let successor = world.serve(&[]);
    let sent: Vec<_> = sent.iter().map(|(of, id)| (of.at(&successor.url), id.clone())).collect();
    assert_sent_once(&world, &sent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_keeps_no_instance_from_stopping() {
    let world = World::create().await;
    let lease = ("LETTERHEAD_LEASE_SECONDS", "60");
    let instance = world.serve(&[("LETTERHEAD_SHUTDOWN_SECONDS", "1"), lease]);
    let aurora = world.live_tenant(&instance, "aurora").await;
    let gate = world.practice.gate(Point::Dot);
    let id = aurora.send("ann@example.net").await;
    gate.reached().await;

    let said_success = tokio::task::spawn_blocking(move || instance.stop()).await;

    assert!(said_success.expect("it stops though nobody answers"));
    gate.release();
    world.database.advance(Duration::from_secs(60)).await;
    let successor = world.serve(&[lease]);
    let message = aurora.at(&successor.url).wait_for_message(&id, &["accepted"]).await;
    let attempts = message["attempts"].as_array().expect("attempts");
    let outcomes: Vec<_> = attempts.iter().filter_map(|one| one["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["worker_lost", "accepted"], "the second copy is explained");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_keep_their_lanes_waiting_take_no_slot_from_others() {
    let world = World::create().await;
    let instance = world.serve(&[("LETTERHEAD_LANES", "1")]);
    let tenants = live_tenants(&world, &instance, 3).await;
    let gate = world.practice.hold_all(Point::Dot);

    let sent = send_all(&tenants, 1).await;

    gate.reached_by(3).await;
    gate.release();
    assert_sent_once(&world, &sent).await;
}
