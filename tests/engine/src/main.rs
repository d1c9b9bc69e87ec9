//! How fast sessions hand messages over, beside Postfix's `smtp-source` and lettre's own pool.
//!
//! Everything goes to one sink in a process of its own, whose share of a processor is shown: at
//! 100 % the sink would be what is measured. Each figure is the median of five runs, and ratios
//! are of figures of one run of this program.

mod peers;
mod sink;
mod stand;

use std::{env, io, io::Write, time::Duration};

use self::{peers::Peer, sink::Offer, stand::Stand};

/// Runs behind each figure.
const RUNS: usize = 5;

#[tokio::main]
async fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [role, keywords, round_trip, ca_file] = arguments.as_slice()
        && role == "sink"
    {
        let acceptor = if ca_file.is_empty() {
            None
        } else {
            let (pem, acceptor) = sink::certificate();
            std::fs::write(ca_file, pem)?;
            Some(acceptor)
        };
        return sink::serve(Offer {
            pipelining: keywords.contains("pipelining"),
            chunking: keywords.contains("chunking"),
            round_trip: Duration::from_millis(round_trip.parse().map_err(io::Error::other)?),
            acceptor,
        })
        .await;
    }
    say("4 KiB messages, messages a second (the sink's share of one processor)\n");
    throughput(false, &[1, 8, 32]).await?;
    say("\nthe same over STARTTLS\n");
    throughput(true, &[8]).await?;
    say("\n20 ms round trip, one session\n");
    far_away().await
}

/// All peers at each number of sessions, in both fast gears.
async fn throughput(under_tls: bool, sessions: &[usize]) -> io::Result<()> {
    for &sessions in sessions {
        let mut reference = None;
        for (keywords, peer) in [
            ("pipelining chunking", Peer::Letterhead),
            ("pipelining", Peer::Letterhead),
            ("", Peer::Letterhead),
            ("pipelining", Peer::SmtpSource { reuse: true }),
            ("pipelining", Peer::SmtpSource { reuse: false }),
            ("pipelining", Peer::LettrePool),
        ] {
            if under_tls && matches!(peer, Peer::SmtpSource { .. }) {
                continue;
            }
            let stand = Stand::start(keywords, 0, under_tls)?;
            let (rate, share) = stand.measure(peer, sessions).await?;
            let ours = *reference.get_or_insert(rate);
            say(&format!(
                "{sessions:>3} sessions  {:<34} {rate:>9.0}/s  sink {share:>4.0} %  ours is {:.1} x\n",
                peer.name(keywords),
                ours / rate,
            ));
        }
    }
    Ok(())
}

async fn far_away() -> io::Result<()> {
    for (keywords, peer) in [
        ("pipelining chunking", Peer::Letterhead),
        ("pipelining", Peer::Letterhead),
        ("", Peer::Letterhead),
        ("pipelining", Peer::SmtpSource { reuse: true }),
        ("pipelining", Peer::LettrePool),
    ] {
        let stand = Stand::start(keywords, 20, false)?;
        let (rate, _) = stand.measure(peer, 1).await?;
        say(&format!("{:<34} {rate:>7.1}/s\n", peer.name(keywords)));
    }
    Ok(())
}

/// Tells a figure as soon as it is known.
fn say(text: &str) {
    let mut out = io::stdout();
    // Who closed the pipe wants no more of it.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
