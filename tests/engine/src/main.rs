//! What the engine's figures are made of, each in a process of its own: a mail server that takes
//! everything, one that never answers, and two that send, Letterhead's sessions and lettre's pool.
//!
//! `make bench` starts them, tells them over their standard input what to do, and measures; see
//! `docs/performance.md`. They are apart from the workspace because features of libraries are
//! joined over a workspace, and the program must not be built with the pool that it is compared
//! with.

mod letterhead;
mod lettre_pool;
mod player;
mod sink;
mod tally;

use std::{env, io, path::PathBuf};

use self::player::Server;

#[tokio::main]
async fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["sink", keywords, round_trip, ca_file] => {
            sink::serve(sink::Offer::parse(keywords, round_trip, ca_file)?).await
        }
        ["silence"] => sink::keep_silent().await,
        ["letterhead", port, ca_file, sessions, manner] => {
            let (server, sessions) = (server(port, ca_file)?, number(sessions)?);
            player::play(letterhead::prepare(&server, sessions, manner == "cold").await?).await
        }
        ["lettre", port, ca_file, sessions] => {
            player::play(lettre_pool::prepare(&server(port, ca_file)?, number(sessions)?)?).await
        }
        ["mail", file] => std::fs::write(file, letterhead::mail()?.to_bytes()),
        _ => Err(io::Error::other("started by `make bench`")),
    }
}

fn server(port: &str, ca_file: &str) -> io::Result<Server> {
    let ca_file = (!ca_file.is_empty()).then(|| PathBuf::from(ca_file));
    Ok(Server { port: port.parse().map_err(io::Error::other)?, ca_file })
}

fn number(text: &str) -> io::Result<usize> {
    text.parse().map_err(io::Error::other)
}
