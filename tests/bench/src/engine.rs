//! The engine alone: sessions that hand ready-made messages to a server, without database or worker.

use std::time::{Duration, Instant};

use crate::{
    Failure, Length,
    player::{Mail, Player, Who},
    report::{Goal, Part, Row},
    server::{Offer, Server},
    tools::Tools,
};

/// Who sends what to which server.
struct Contestant {
    who: Who,
    name: &'static str,
    offer: Offer,
    goal: Option<Goal>,
}

/// Connections of nodemailer's pool, wherever there is not only one.
const POOLED: usize = 10;

/// Measures everything.
pub(crate) async fn measure(
    tools: &Tools,
    length: Length,
    report: &mut Part,
) -> Result<(), Failure> {
    let mail = Mail::make(tools).await?;
    for sessions in [1, 8, 32] {
        let name = format!("{sessions} session{}", if sessions == 1 { "" } else { "s" });
        contest(tools, length, report, &mail, &name, &in_clear(sessions)).await?;
    }
    contest(tools, length, report, &mail, "8 sessions, STARTTLS", &under_tls(8)).await?;
    contest(tools, length, report, &mail, "1 session, 20 ms round trip", &far_away()).await?;
    for at_once in [1, 8] {
        let name = format!("STARTTLS and sign-in for each message, {at_once} at a time");
        contest(tools, length, report, &mail, &name, &cold(at_once)).await?;
    }
    Ok(())
}

/// Letterhead in its three gears: what each server offers decides which.
fn gears(sessions: usize, offer: Offer, goals: [Option<Goal>; 3]) -> Vec<Contestant> {
    let gears = [
        ("Letterhead, PIPELINING and CHUNKING", "pipelining chunking"),
        ("Letterhead, PIPELINING", "pipelining"),
        ("Letterhead, one by one", ""),
    ];
    let letterhead = gears.into_iter().zip(goals).map(|((name, keywords), goal)| Contestant {
        who: Who::Letterhead { sessions, cold: false },
        name,
        offer: Offer { keywords, ..offer },
        goal,
    });
    letterhead.collect()
}

fn peer(name: &'static str, who: Who, offer: Offer, goal: Option<Goal>) -> Contestant {
    Contestant { who, name, offer, goal }
}

fn smtp_source(sessions: usize, offer: Offer, goal: Option<Goal>) -> Contestant {
    let who = Who::SmtpSource { sessions, keep: true };
    peer("smtp-source, connections kept", who, offer, goal)
}

fn lettre(sessions: usize, offer: Offer, goal: Option<Goal>) -> Contestant {
    peer("lettre's pool", Who::Lettre { sessions }, offer, goal)
}

fn nodemailer(connections: usize, offer: Offer, goal: Option<Goal>) -> Contestant {
    let name = if connections == 1 { "nodemailer, 1 pooled" } else { "nodemailer, 10 pooled" };
    peer(name, Who::NodemailerPool { connections }, offer, goal)
}

fn in_clear(sessions: usize) -> Vec<Contestant> {
    let offer = Offer::BEST;
    let new_ones = Who::SmtpSource { sessions, keep: false };
    let mut all = gears(sessions, offer, [None; 3]);
    all.extend([
        smtp_source(sessions, offer, Some(Goal::Ratio(3.0))),
        peer("smtp-source, a connection a message", new_ones, offer, None),
        lettre(sessions, offer, Some(Goal::Ratio(4.0))),
        nodemailer(POOLED, offer, Some(Goal::Ratio(20.0))),
    ]);
    all
}

fn under_tls(sessions: usize) -> Vec<Contestant> {
    let offer = Offer { starttls: true, ..Offer::BEST };
    let mut all = gears(sessions, offer, [None; 3]);
    all.extend([
        lettre(sessions, offer, Some(Goal::Ratio(4.0))),
        nodemailer(POOLED, offer, Some(Goal::Ratio(25.0))),
    ]);
    all
}

fn far_away() -> Vec<Contestant> {
    let offer = Offer { round_trip: 20, ..Offer::BEST };
    let goals = [Some(Goal::AtLeast(150.0)), Some(Goal::AtLeast(42.0)), None];
    let mut all = gears(1, offer, goals);
    all.extend([smtp_source(1, offer, None), lettre(1, offer, None), nodemailer(1, offer, None)]);
    all
}

fn cold(at_once: usize) -> Vec<Contestant> {
    let offer = Offer { keywords: "pipelining chunking auth", starttls: true, ..Offer::BEST };
    vec![
        peer("Letterhead", Who::Letterhead { sessions: at_once, cold: true }, offer, None),
        peer("nodemailer", Who::NodemailerCold { at_once }, offer, Some(Goal::Ratio(8.0))),
    ]
}

/// Lets everybody send in turn. The first one is whom the others are compared with.
async fn contest(
    tools: &Tools,
    length: Length,
    report: &mut Part,
    mail: &Mail,
    name: &str,
    contestants: &[Contestant],
) -> Result<(), Failure> {
    let mut ready = Vec::new();
    for contestant in contestants {
        let server = Server::sink(tools, contestant.offer).await?;
        let mut player = contestant.who.start(tools, &server, mail).await?;
        let count = count_for(&mut player, length).await?;
        let row = Row { goal: contestant.goal, ..Row::new(name, contestant.name, "a second") };
        ready.push((player, server, count, row));
    }
    for _ in 0..length.rounds {
        for (player, server, count, row) in &mut ready {
            server.reset().await?;
            let played = player.play(*count, server).await?;
            let taken = server.tally().await?.messages;
            if taken != *count {
                return Err(format!("{}: {taken} of {count} were taken", row.who).into());
            }
            row.values.push(played.per_second);
            row.add_busy(&["sender", "sink"], &played.busy);
        }
    }
    let mut rows = ready.into_iter().map(|(.., row)| row);
    let ours = rows.next().ok_or("nobody to measure")?;
    report.add(ours.clone());
    for mut row in rows {
        row.compare(&ours);
        report.add(row);
    }
    Ok(())
}

/// How many messages keep `player` busy for about a second. Connections are opened by the way.
async fn count_for(player: &mut Player, length: Length) -> Result<usize, Failure> {
    let wanted = length.choose(Duration::from_secs(1), Duration::from_millis(100));
    let mut count = 64;
    loop {
        let began = Instant::now();
        player.send(count).await?;
        if began.elapsed() >= wanted / 2 {
            return Ok(count);
        }
        count *= 2;
    }
}
