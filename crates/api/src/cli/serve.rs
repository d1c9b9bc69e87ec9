//! `letterhead serve` and `letterhead work`.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use clap::{Args, builder::FalseyValueParser};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::Failure;
use crate::{
    app::{App, bulk_runs::runner::BulkRunner, instances},
    config::{AppArgs, HttpArgs, PortalArgs, WorkerArgs},
    http::{self, HttpConfig},
    portal::{self, config::PortalConfig},
    worker::Worker,
};

#[derive(Args)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    pub(super) app: AppArgs,
    #[command(flatten)]
    pub(super) http: HttpArgs,
    #[command(flatten)]
    pub(super) portal: PortalArgs,
    #[command(flatten)]
    worker: WorkerArgs,
    /// Serve the API only; `letterhead work` delivers elsewhere
    #[arg(long, env = "LETTERHEAD_NO_WORKER", value_parser = FalseyValueParser::new())]
    no_worker: bool,
}

#[derive(Args)]
pub(super) struct WorkArgs {
    #[command(flatten)]
    app: AppArgs,
    #[command(flatten)]
    worker: WorkerArgs,
    /// Where the metrics listen; left out, they do not
    #[arg(long, env = "LETTERHEAD_METRICS_LISTEN")]
    metrics_listen: Option<SocketAddr>,
    /// Seconds that deliveries under way get at shutdown
    #[arg(long, env = "LETTERHEAD_SHUTDOWN_SECONDS", default_value_t = 30)]
    shutdown_seconds: u64,
}

pub(super) async fn serve(args: ServeArgs) -> Result<ExitCode, Failure> {
    let app = args.app.app().await?;
    let api = bind(args.http.listen, "LETTERHEAD_LISTEN").await?;
    // A port that was left to the system is known only now.
    let portal = args.portal.portal(api.local_addr().unwrap_or(args.http.listen))?;
    if args.portal.public_url.is_unset() && !args.http.listen.ip().is_loopback() {
        warn!("LETTERHEAD_PUBLIC_URL is not set: links and forms work on this machine alone");
    }
    let metrics = match args.http.metrics_listen {
        Some(address) => Some(bind(address, "LETTERHEAD_METRICS_LISTEN").await?),
        None => None,
    };
    let worker = (!args.no_worker).then(|| Worker::new(app.clone(), args.worker.config()));
    let program = Program {
        app,
        api: Some(Api { listener: api, args: args.http.clone(), portal }),
        metrics,
        worker,
    };
    program.run(stop_signal()?, Duration::from_secs(args.http.shutdown_seconds)).await
}

pub(super) async fn work(args: WorkArgs) -> Result<ExitCode, Failure> {
    let app = args.app.app().await?;
    let metrics = match args.metrics_listen {
        Some(address) => Some(bind(address, "LETTERHEAD_METRICS_LISTEN").await?),
        None => None,
    };
    let worker = Some(Worker::new(app.clone(), args.worker.config()));
    let program = Program { app, api: None, metrics, worker };
    program.run(stop_signal()?, Duration::from_secs(args.shutdown_seconds)).await
}

/// Listens on `address`, which `variable` of the environment can change.
pub(super) async fn bind(address: SocketAddr, variable: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|err| {
        if err.kind() == std::io::ErrorKind::AddrInUse {
            let (port, ip) = (address.port(), address.ip());
            Failure::say(format!(
                "port {port} is taken on {ip}; stop what uses it, or choose another with {variable}"
            ))
        } else {
            Failure::new(format!("cannot listen on {address}"), err)
        }
    })
}

/// A token that is cancelled by SIGTERM or SIGINT.
pub(super) fn stop_signal() -> Result<CancellationToken, Failure> {
    let failed = |err| Failure::new("cannot listen for signals", err);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stopped.cancel();
    });
    Ok(stop)
}

/// The API and the portal, and where they listen.
pub(super) struct Api {
    pub(super) listener: TcpListener,
    pub(super) args: HttpArgs,
    pub(super) portal: PortalConfig,
}

/// What runs in this process.
pub(super) struct Program {
    pub(super) app: App,
    pub(super) api: Option<Api>,
    pub(super) metrics: Option<TcpListener>,
    pub(super) worker: Option<Worker>,
}

impl Program {
    /// Runs until `stop`; then takes no more requests, and gives what is under way `grace`.
    pub(super) async fn run(
        self,
        stop: CancellationToken,
        grace: Duration,
    ) -> Result<ExitCode, Failure> {
        let Self { app, api, metrics, worker } = self;
        // In the background: a database that is away must not keep the liveness probe waiting.
        tokio::spawn(greet(app.clone()));
        let exchange = tokio::spawn(instances::exchange(app.clone(), stop.clone()));
        let worker = worker.map(|worker| tokio::spawn(worker.run(stop.clone())));
        let metrics = metrics.map(|listener| {
            tell_address(&listener, "the metrics listen");
            tokio::spawn(http::serve_metrics(listener, app.clone(), stop.clone()))
        });
        // Beside the portal, where people begin bulk runs and wait for them.
        let runner = api.is_some().then(|| BulkRunner::new(app.clone()).run(stop.clone()));
        let runner = runner.map(tokio::spawn);
        let api = api.map(|Api { listener, args, portal }| {
            tell_address(&listener, "the API listens");
            let config = HttpConfig {
                public_url: portal.public_url.as_str().to_owned(),
                trusted_proxies: args.trusted_proxies,
            };
            let site = portal::site(app.clone(), portal, config);
            tokio::spawn(http::serve(listener, site, stop.clone(), grace))
        });

        stop.cancelled().await;
        info!("stopping: what is under way is finished");
        let finished = async {
            for task in [api, metrics].into_iter().flatten() {
                if let Ok(Err(err)) = task.await {
                    error!(error = &err as &dyn std::error::Error, "a listener ended early");
                }
            }
            for task in [worker, runner].into_iter().flatten() {
                let _ended = task.await;
            }
            app.tasks.close();
            app.tasks.wait().await;
            let _ended = exchange.await;
        };
        if tokio::time::timeout(grace, finished).await.is_err() {
            warn!(
                "not everything was finished in time; what was sent and not confirmed is uncertain"
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Logs where a listener listens: a port that was left to the system is known only now.
fn tell_address(listener: &TcpListener, what: &str) {
    match listener.local_addr() {
        Ok(address) => info!(%address, "{what}"),
        Err(err) => warn!(error = &err as &dyn std::error::Error, "{what}, nobody knows where"),
    }
}

/// Tells the operator what this process may do, and what is missing.
async fn greet(app: App) {
    let allowed = app.mailer.guard().policy().allowed.iter().map(ToString::to_string);
    let allowed: Vec<_> = allowed.collect();
    if !allowed.is_empty() {
        info!(allowed = allowed.join(", "), "connections to these are allowed although not public");
    }
    if let Err(err) = app.store.ready().await {
        warn!(
            error = &err as &dyn std::error::Error,
            "the database is not ready; if it is not migrated, run `letterhead migrate`"
        );
    }
}
