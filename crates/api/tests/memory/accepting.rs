//! A message with a large file is taken over.

use std::{io, iter};

use letterhead_mailer::egress::policy::EgressPolicy;
use poem::http::{Method, StatusCode};
use serde_json::json;

use crate::{MEMORY, MESSAGES, SLACK, message, world};

/// Base64 of 48 bytes, as some write it: with a backslash before each slash.
const LINE: &str = r"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\/BCD";
const LINES: usize = 436_800;
/// Nearly as large as a message may be.
const FILE: usize = 48 * LINES;

#[tokio::test]
async fn a_file_of_20_mib_is_not_held_twice_while_its_message_is_taken_over() {
    let policy = EgressPolicy { allowed: Vec::new(), extra_ports: Vec::new() };
    let world = world(policy, &[]).await;
    let settings = json!({
        "host": "mail.example.net", "port": 587, "encryption": "starttls", "username": "aurora",
        "password": "hunter2", "sender_name": "Aurora Books",
        "sender_email": "billing@aurora.example",
    });
    world.set_up(settings).await;
    // What is made once is there before anything is counted.
    world.accept_small().await;
    let around = message("(here)").to_string();
    let (head, tail) = around.split_once("(here)").expect("a place for the file");
    let length = head.len() + LINE.len() * LINES + tail.len();
    let (head, tail) = (head.as_bytes().to_vec(), tail.as_bytes().to_vec());
    // It comes in pieces, as from a connection: nobody but the program holds all of it.
    let pieces = iter::repeat_n(LINES / 1_000, 1_000).map(|lines| LINE.repeat(lines).into_bytes());
    let rest = LINE.repeat(LINES % 1_000).into_bytes();
    let pieces = iter::once(head).chain(pieces).chain([rest, tail]).map(Ok::<_, io::Error>);
    let body = poem::Body::from_bytes_stream(futures_util::stream::iter(pieces));
    let before = MEMORY.allocated();
    assert!(MEMORY.max_allocated() < before + FILE, "the peak to be measured would not show");

    let (status, text) = world.send(Method::POST, MESSAGES, body, length).await;

    let growth = MEMORY.max_allocated() - before;
    assert_eq!(status, StatusCode::ACCEPTED, "{text}");
    let stored = "SELECT max(octet_length(attachment_contents[1]))::bigint FROM message_bodies";
    assert_eq!(world.database.number(stored).await, i64::try_from(FILE).expect("small"));
    assert!(growth <= 2 * FILE + SLACK, "{growth} bytes");
}
