use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use letterhead_domain::sender::VersionNumber;
use letterhead_mailer::transport::TransportKey;

use crate::stand::{Stand, codes, key, password, send};

#[tokio::test]
async fn a_hit_opens_no_secret_and_misses_at_once_share_one_load() {
    let stand = Stand::start().await;
    let transports = stand.mailer.transports();
    let (key, loads) = (key(), AtomicUsize::new(0));
    let load = || async {
        loads.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        Ok::<_, Infallible>((stand.settings(), Some(password())))
    };

    let (first, second) =
        tokio::join!(transports.get_or_open(key, load()), transports.get_or_open(key, load()));
    let third = transports.get_or_open(key, load()).await;

    assert_eq!(loads.load(Ordering::SeqCst), 1);
    assert!(Arc::ptr_eq(&first.unwrap(), &second.unwrap()));
    assert!(third.is_ok());
    assert_eq!(transports.count().await, 1);
}

#[tokio::test]
async fn a_failure_is_not_kept() {
    let stand = Stand::start().await;
    let transports = stand.mailer.transports();
    let key = key();

    let failed = transports.get_or_open(key, async { Err("no such version") }).await;
    let opened = transports
        .get_or_open(key, async { Ok::<_, &str>((stand.settings(), Some(password()))) })
        .await;

    assert_eq!(failed.err().as_deref(), Some(&"no such version"));
    assert!(opened.is_ok());
}

#[tokio::test]
async fn tenants_senders_and_versions_never_share_a_session() {
    let stand = Stand::start().await;
    let transports = stand.mailer.transports();
    let (one, other) = (key(), key());
    let keys = [
        one,
        TransportKey { tenant: other.tenant, ..one },
        TransportKey { sender: other.sender, ..one },
        TransportKey { version: VersionNumber(2), ..one },
    ];
    for key in keys {
        let load = async { Ok::<_, Infallible>((stand.settings(), Some(password()))) };
        let transport = transports.get_or_open(key, load).await.unwrap();
        assert_eq!(codes(&send(&transport, &["ann@example.net"]).await), [250]);
    }

    let counters = stand.server.inbox().counters();
    assert_eq!(counters.connections, 4);
    assert_eq!(counters.sign_ins_accepted, 4);
}

#[tokio::test]
async fn a_forgotten_transport_is_loaded_anew() {
    let stand = Stand::start().await;
    let transports = stand.mailer.transports();
    let key = key();
    let open = || async {
        let load = async { Ok::<_, Infallible>((stand.settings(), Some(password()))) };
        transports.get_or_open(key, load).await.unwrap()
    };

    let first = open().await;
    transports.invalidate(&key).await;

    assert!(!Arc::ptr_eq(&first, &open().await));
}
