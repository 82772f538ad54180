//! The proxy that breaks on command.

use std::{io::ErrorKind, time::Duration};

use hookwright_testkit::{BreakableProxy, DEADLINE, Receiver};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::plain::{kept_alive, read_to_end, read_until};

struct Setup {
    receiver: Receiver,
    proxy: BreakableProxy,
    /// A connection through the proxy on which one request was answered.
    stream: TcpStream,
}

async fn setup() -> Setup {
    let receiver = Receiver::start().await;
    let proxy = BreakableProxy::start(receiver.address()).await;
    let mut stream = TcpStream::connect(proxy.address()).await.expect("the proxy listens");
    ask(&mut stream).await;
    Setup { receiver, proxy, stream }
}

async fn ask(stream: &mut TcpStream) {
    stream.write_all(kept_alive("/").as_bytes()).await.expect("the proxy reads");
    read_until(stream, "\r\n\r\nok").await;
}

#[tokio::test]
async fn it_forwards_both_ways() {
    let mut setup = setup().await;
    ask(&mut setup.stream).await;
    assert_eq!(setup.receiver.count(), 2);
    assert_eq!(setup.proxy.connections(), 1);
}

#[tokio::test]
async fn it_ends_a_connection_when_the_client_does() {
    let setup = setup().await;
    drop(setup.stream);
    setup.receiver.wait_tally(|tally| tally.open_connections == 0, "the end of the connection").await;
}

#[tokio::test]
async fn a_cut_resets_connections_and_refuses_new_ones_until_restored() {
    let mut setup = setup().await;
    for _ in 0..3 {
        setup.proxy.cut().await;
        assert_eq!(read_to_end(&mut setup.stream).await.error, Some(ErrorKind::ConnectionReset));
        let refused = TcpStream::connect(setup.proxy.address()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        setup.receiver.wait_tally(|tally| tally.open_connections == 0, "the cut to reach the target").await;

        setup.proxy.restore().await;
        setup.stream = TcpStream::connect(setup.proxy.address()).await.unwrap();
        ask(&mut setup.stream).await;
    }
}

#[tokio::test]
async fn a_stall_holds_every_byte_until_restored() {
    let mut setup = setup().await;
    setup.proxy.stall().await;
    setup.stream.write_all(kept_alive("/held").as_bytes()).await.unwrap();
    let mut late = TcpStream::connect(setup.proxy.address()).await.unwrap();
    late.write_all(kept_alive("/late").as_bytes()).await.unwrap();
    let mut byte = [0];
    let nothing = timeout(Duration::from_secs(1), setup.stream.read(&mut byte)).await;
    assert!(nothing.is_err(), "a stalled connection is silent and open: {nothing:?}");
    assert_eq!(setup.receiver.count(), 1);

    setup.proxy.restore().await;
    read_until(&mut setup.stream, "\r\n\r\nok").await;
    read_until(&mut late, "\r\n\r\nok").await;
    assert_eq!(setup.receiver.wait_for(3).await.len(), 3);
}

#[tokio::test]
async fn a_stall_can_be_cut() {
    let mut setup = setup().await;
    setup.proxy.stall().await;
    setup.stream.write_all(kept_alive("/lost").as_bytes()).await.unwrap();
    setup.proxy.cut().await;
    // Whether the proxy had read the request before is open; that it never reached the target is not.
    assert_eq!(read_to_end(&mut setup.stream).await.error, Some(ErrorKind::ConnectionReset));
    assert_eq!(setup.receiver.count(), 1);
}

#[tokio::test]
async fn a_target_that_is_down_ends_the_connection() {
    let Setup { receiver, proxy, .. } = setup().await;
    receiver.stop().await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let mut byte = [0];
    let read = timeout(DEADLINE, stream.read(&mut byte)).await.expect("the connection ends");
    assert_eq!(read.unwrap_or(0), 0);
}
