//! A mail server that answers as the test says, for replies that no decent one gives.
//!
//! It speaks plain SMTP without TLS or sign-in, refuses where it is told to, and takes everything
//! else. The practice server is the one for faults that real servers have.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    thread,
};

/// A server on a port of its own, for as long as the test's process lives.
pub struct RudeServer {
    /// Where it listens, on loopback.
    pub port: u16,
}

impl RudeServer {
    /// Starts one that answers the command `verb`, or greets where that is empty, with `reply`.
    pub fn start(verb: &'static str, reply: &'static str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // Whoever hangs up in the middle has heard enough.
                thread::spawn(move || converse(&stream, verb, reply).ok());
            }
        });
        Self { port }
    }
}

fn converse(stream: &TcpStream, verb: &str, reply: &str) -> std::io::Result<()> {
    let mut answers = stream;
    let mut say = |text: &str| answers.write_all(format!("{text}\r\n").as_bytes());
    say(if verb.is_empty() { reply } else { "220 rude.example ESMTP" })?;
    for line in BufReader::new(stream).lines() {
        let line = line?.to_ascii_uppercase();
        match line.split([' ', ':']).next().unwrap_or_default() {
            given if given == verb => say(reply)?,
            "QUIT" => return say("221 bye"),
            "DATA" => say("354 go on")?,
            _ => say("250 ok")?,
        }
    }
    Ok(())
}
