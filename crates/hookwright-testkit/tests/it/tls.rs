//! Receivers behind good and bad TLS.

use std::io;

use hookwright_testkit::{Authority, DEADLINE, Leaf, Point, Receiver, Reply};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::plain::request;

async fn connect(authority: &Authority, receiver: &Receiver, name: &str) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(receiver.address()).await?;
    let name = ServerName::try_from(name.to_owned()).expect("the name is valid");
    let connected = TlsConnector::from(authority.client_config()).connect(name, stream);
    timeout(DEADLINE, connected).await.expect("the handshake ends")
}

/// Why a client that trusts the authority refuses `leaf`.
async fn refusal(leaf: Leaf) -> String {
    let authority = Authority::new();
    let receiver = Receiver::start_tls(&authority, leaf).await;
    let error = connect(&authority, &receiver, "localhost").await.expect_err("the certificate is bad");
    receiver.wait_tally(|tally| tally.failed_handshakes == 1, "the refused handshake").await;
    assert_eq!(receiver.count(), 0);
    error.to_string()
}

#[tokio::test]
async fn who_trusts_the_authority_is_served_under_both_names() {
    let authority = Authority::new();
    let receiver = Receiver::start_tls(&authority, Leaf::Valid).await;
    assert_eq!(receiver.url_on("localhost", "/x"), format!("https://localhost:{}/x", receiver.port()));
    for name in ["localhost", "127.0.0.1"] {
        let mut stream = connect(&authority, &receiver, name).await.unwrap();
        stream.write_all(request("/x").as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("the close is announced, as TLS asks");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
    assert_eq!(receiver.wait_for(2).await[1].path(), "/x");
}

#[tokio::test]
async fn replies_break_off_within_tls_too() {
    let authority = Authority::new();
    let receiver = Receiver::start_tls(&authority, Leaf::Valid).await;
    receiver.script([Reply::reset(Point::InBody)]);
    let mut stream = connect(&authority, &receiver, "localhost").await.unwrap();
    stream.write_all(request("/").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let error = stream.read_to_end(&mut answer).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(answer.ends_with(b"0123456789"));
}

#[tokio::test]
async fn bad_certificates_are_refused_for_their_own_reason() {
    for (leaf, reason) in [
        (Leaf::Expired, "certificate expired"),
        (Leaf::NotYetValid, "certificate not valid yet"),
        (Leaf::WrongName, "certificate not valid for name"),
        (Leaf::SelfSigned, "UnknownIssuer"),
    ] {
        let error = refusal(leaf).await;
        assert!(error.contains(reason), "{leaf:?}: {error}");
    }
}

#[tokio::test]
async fn a_foreign_authority_is_not_trusted() {
    let receiver = Receiver::start_tls(&Authority::new(), Leaf::Valid).await;
    let error = connect(&Authority::new(), &receiver, "localhost").await.unwrap_err();
    assert!(error.to_string().contains("invalid peer certificate"), "{error}");
}

#[tokio::test]
async fn plain_text_is_no_handshake() {
    let receiver = Receiver::start_not_tls().await;
    assert!(receiver.url("/").starts_with("https://127.0.0.1:"));
    let error = connect(&Authority::new(), &receiver, "localhost").await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn a_silent_handshake_lasts_until_the_sender_leaves() {
    let receiver = Receiver::start_silent_tls().await;
    let mut stream = TcpStream::connect(receiver.address()).await.unwrap();
    stream.write_all(b"hello").await.unwrap();
    receiver.wait_tally(|tally| tally.open_connections == 1, "the connection").await;
    // Nothing is ever written back, so closing our side is what ends it.
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    timeout(DEADLINE, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert_eq!(answer, b"");
    receiver.wait_tally(|tally| tally.open_connections == 0, "the end of the connection").await;
}

#[test]
fn the_file_of_an_authority_holds_its_certificate_and_goes_with_it() {
    let authority = Authority::new();
    let path = authority.pem_path().to_owned();
    let in_file = CertificateDer::from_pem_file(&path).unwrap();
    assert_eq!(in_file, CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap());
    drop(authority);
    assert!(!path.exists());
}
