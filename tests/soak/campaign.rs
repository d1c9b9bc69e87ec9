//! The run itself: what is started, which blows fall when, and when it is over.

use std::{
    collections::HashSet,
    env,
    process::{ExitCode, Stdio},
    time::{Duration, Instant},
};

use letterhead_test_database::TestDatabase;
use letterhead_tests::{
    client::Client,
    program::{Instance, World},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdin, Command},
    sync::watch,
    time::timeout,
};

use crate::{Plan, chance::Chance, cluster::Cluster, feed, ledger::Reading, verdict};

/// How long nothing at all may happen before the run says that it is stuck.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often [`HURRY`] is run while nothing else happens.
const HURRY_EVERY: Duration = Duration::from_millis(250);

/// Cuts every wait for a next try short, of messages and of lanes: what is proven here does not
/// depend on how long the program waits. What somebody else is changing is left for the next time.
const HURRY: &str = "
UPDATE messages m SET due_at = letterhead_now()
FROM (SELECT tenant_id, id FROM messages
      WHERE status IN ('deferred', 'held') AND due_at > letterhead_now()
      FOR NO KEY UPDATE SKIP LOCKED) waiting
WHERE m.tenant_id = waiting.tenant_id AND m.id = waiting.id;
UPDATE lanes l SET due_at = letterhead_now(), not_before = letterhead_now()
FROM (SELECT tenant_id, id FROM lanes
      WHERE lease_token IS NULL AND (due_at > letterhead_now() OR not_before > letterhead_now())
      FOR NO KEY UPDATE SKIP LOCKED) waiting
WHERE l.tenant_id = waiting.tenant_id AND l.id = waiting.id AND l.due_at IS NOT NULL";

/// Messages that have not come to their end.
const WAITING: &str =
    "SELECT count(*) FROM messages WHERE status IN ('queued', 'sending', 'deferred', 'held')";

/// The mail server's process: it ends when nobody holds its standard input any more.
struct Sink {
    child: Child,
    input: ChildStdin,
    ports: Vec<u16>,
    reading: Reading,
}

impl Sink {
    async fn start(seed: u64) -> Self {
        let program = env::current_exe().expect("this program's path");
        let mut child = Command::new(program)
            .args(["sink", "--seed", &seed.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the sink starts");
        let input = child.stdin.take().expect("a pipe");
        let mut printed = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        printed.read_line(&mut line).await.expect("the sink's ports");
        let ports = serde_json::from_str(&line).expect("the sink's ports");
        Self { child, input, ports, reading: Reading::of(printed) }
    }

    async fn end(mut self) -> crate::ledger::Ledger {
        drop(self.input);
        let ended = self.child.wait().await.expect("the sink ends");
        assert!(ended.success(), "the sink ended with {ended}");
        self.reading.end().await
    }
}

/// What falls next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blow {
    /// SIGKILL of a worker.
    Kill,
    /// The end of the database without a checkpoint.
    Stop,
}

/// The blows of `plan` in an order that chance decides.
fn blows(plan: &Plan, chance: &mut Chance) -> Vec<Blow> {
    let mut blows = vec![Blow::Kill; plan.kills];
    for _ in 0..plan.stops {
        blows.insert(chance.index(blows.len() + 1), Blow::Stop);
    }
    blows
}

/// The workers of one run: each process has a name of its own, which its attempts carry.
struct Workers<'a> {
    world: &'a World,
    environment: Vec<(&'a str, &'a str)>,
    running: Vec<(String, Instance)>,
    started: usize,
    killed: HashSet<String>,
}

impl<'a> Workers<'a> {
    fn start(world: &'a World, environment: &[(&'a str, &'a str)], count: usize) -> Self {
        let environment = environment.to_vec();
        let mut workers =
            Self { world, environment, running: Vec::new(), started: 0, killed: HashSet::new() };
        for _ in 0..count {
            workers.add();
        }
        workers
    }

    fn add(&mut self) {
        self.started += 1;
        let name = format!("worker-{}", self.started);
        let environment = [&self.environment[..], &[("LETTERHEAD_WORKER_NAME", &name)]].concat();
        let instance = self.world.work(&environment);
        self.running.push((name, instance));
    }

    /// Kills one, and starts another in its place at once.
    fn kill(&mut self, chance: &mut Chance) {
        let (name, instance) = self.running.swap_remove(chance.index(self.running.len()));
        instance.kill();
        self.killed.insert(name);
        self.add();
    }
}

/// Plays `plan`, and prints what came of it.
pub(crate) async fn run(plan: Plan) -> ExitCode {
    let begun = Instant::now();
    println!("seed {}: {plan:?}", plan.seed);
    let cluster = Cluster::start(&plan.postgres);
    let world = World::on(TestDatabase::create_on(cluster.url()).await).await;
    let sink = Sink::start(plan.seed).await;
    let allow: Vec<_> = sink.ports.iter().map(|port| format!("localhost:{port}")).collect();
    let (allow, lease) = (allow.join(","), plan.lease.to_string());
    let environment = [
        ("LETTERHEAD_ALLOW", allow.as_str()),
        ("LETTERHEAD_LEASE_SECONDS", &lease),
        ("LETTERHEAD_DATABASE_CONNECTIONS", "8"),
        ("LETTERHEAD_PROMOTE", "on-save"),
        ("RUST_LOG", "letterhead_api::cli=info,warn"),
    ];
    let api = world.serve(&[&environment[..], &[("LETTERHEAD_NO_WORKER", "true")]].concat());
    let operator = Client::new(&api.url, &world.operator_key);
    feed::make_tenants(&operator, plan.tenants, &sink.ports).await;

    let (allowed, may_feed) = watch::channel(0);
    let feed = feed::Feed::new(&world, &api.url, &plan, may_feed);
    let taken = feed.taken();
    let feeding = tokio::spawn(feed.run());
    let mut workers = Workers::start(&world, &environment, plan.workers);
    println!("{:>5.0?}: {} tenants, {} workers", begun.elapsed(), plan.tenants, plan.workers);

    let progress = Progress { begun, taken, kept: sink.reading.kept.clone() };
    let all_fell = strike(&plan, &mut workers, &cluster, &allowed, progress).await;
    allowed.send_replace(plan.messages);
    let promised = feeding.await.expect("everything is handed over");
    println!("{:>5.0?}: all handed over, all blows fallen", begun.elapsed());
    settle(&world.database).await;

    for (_, worker) in workers.running {
        assert!(worker.stop(), "a worker asked to stop says that it could");
    }
    let ledger = sink.end().await;
    let stored = verdict::stored(&world.database).await;
    let lost = verdict::lost_by_worker(&world.database).await;
    let report = verdict::Report::of(&promised, &stored, &ledger);
    println!("{:>5.0?}: {} kills, {} database stops", begun.elapsed(), plan.kills, plan.stops);
    report.print(&lost, &workers.killed);
    if report.is_well() && all_fell { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What is told while a run goes on.
struct Progress {
    begun: Instant,
    /// Messages that were answered with 202.
    taken: watch::Receiver<usize>,
    /// Copies in the ledger.
    kept: watch::Receiver<usize>,
}

/// Lets every blow of `plan` fall, each after some more mail has left; gives up when none leaves.
async fn strike(
    plan: &Plan,
    workers: &mut Workers<'_>,
    cluster: &Cluster,
    allowed: &watch::Sender<usize>,
    mut progress: Progress,
) -> bool {
    let mut chance = Chance::new(plan.seed, "blows");
    let blows = blows(plan, &mut chance);
    // Nine tenths of the mail on average while blows fall, the rest in peace.
    let pace = (plan.messages * 9 / 5 / (blows.len() + 1)).max(1);
    let mut told = Instant::now();
    for (number, blow) in blows.iter().enumerate() {
        // A fifth at once, so that there is a queue, and then as the blows fall.
        let handed_over = plan.messages / 5 + plan.messages * number / blows.len();
        allowed.send_replace(handed_over);
        // Some mail never gets there: what is waited for must.
        let wanted = *progress.kept.borrow() + 1 + chance.index(pace);
        let wanted = wanted.min(handed_over * 9 / 10);
        if !get_to(&mut progress.kept, wanted, &workers.world.database).await {
            println!("WRONG after {number} blows no mail left for {PATIENCE:?}");
            return false;
        }
        match blow {
            Blow::Kill => workers.kill(&mut chance),
            Blow::Stop => cluster.crash(),
        }
        if told.elapsed() > Duration::from_secs(5) {
            told = Instant::now();
            let Progress { begun, taken, kept } = &progress;
            let (at, blow, taken, kept) =
                (begun.elapsed(), number + 1, *taken.borrow(), *kept.borrow());
            println!("{at:>5.0?}: {blow} blows, {taken} taken, {kept} in the ledger");
        }
    }
    true
}

/// Waits until the ledger holds `wanted` copies; gives up when it does not grow any more.
async fn get_to(kept: &mut watch::Receiver<usize>, wanted: usize, database: &TestDatabase) -> bool {
    let (mut now, mut moved) = (*kept.borrow(), Instant::now());
    while now < wanted && moved.elapsed() < PATIENCE {
        let more = kept.wait_for(|kept| *kept >= wanted);
        if timeout(HURRY_EVERY, more).await.is_err() {
            database.sql(HURRY).await;
        }
        let before = std::mem::replace(&mut now, *kept.borrow());
        if now > before {
            moved = Instant::now();
        }
    }
    now >= wanted
}

/// Waits until nothing waits any more, or nothing moves any more.
async fn settle(database: &TestDatabase) {
    let (mut waiting, mut moved) = (database.number(WAITING).await, Instant::now());
    while waiting > 0 && moved.elapsed() < PATIENCE {
        database.sql(HURRY).await;
        // Postgres tells nobody when a message comes to its end.
        tokio::time::sleep(HURRY_EVERY).await;
        let now = database.number(WAITING).await;
        if now != waiting {
            (waiting, moved) = (now, Instant::now());
        }
    }
}
