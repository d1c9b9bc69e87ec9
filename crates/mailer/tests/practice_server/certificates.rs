//! What a client that trusts `ca.pem` thinks of each certificate.

use letterhead_mailer::practice_server::fault::PortFault;
use rustls::{CertificateError, Error};

use crate::client::Practice;

async fn handshake_at(practice: &Practice, fault: PortFault) -> CertificateError {
    let mut client = practice.at(fault).await;
    client.reply().await;
    client.say("EHLO client.example").await;
    assert!(client.say("STARTTLS").await.starts_with("220 "));
    match client.tls(practice).await {
        Err(Error::InvalidCertificate(error)) => error,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the certificate was taken"),
    }
}

#[tokio::test]
async fn each_bad_certificate_is_bad_in_its_own_way() {
    let practice = Practice::start().await;

    let self_signed = handshake_at(&practice, PortFault::SelfSigned).await;
    let expired = handshake_at(&practice, PortFault::ExpiredCertificate).await;
    let wrong_name = handshake_at(&practice, PortFault::WrongName).await;

    assert_eq!(self_signed, CertificateError::UnknownIssuer);
    assert!(matches!(expired, CertificateError::ExpiredContext { .. }), "{expired:?}");
    assert!(
        matches!(wrong_name, CertificateError::NotValidForNameContext { .. }),
        "{wrong_name:?}"
    );
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_trusted_by_the_same_clients() {
    let first = Practice::start().await;
    let folder = first.folder().to_owned();
    let second = Practice::start_with(|config| config.certificates = folder).await;

    let client = second.greeted().await.secured(&first).await;

    assert_eq!(client.signed_in().await.mail("ann@b.example").await, "250 2.0.0 Caught as 1");
}
