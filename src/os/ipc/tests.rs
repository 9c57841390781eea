use super::*;

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

fn pair<A, B>() -> (Link<A, B>, Link<B, A>) {
    let (left, right) = StdUnixStream::pair().expect("a socketpair");
    (Link::new(left).expect("left end"), Link::new(right).expect("right end"))
}

#[test]
fn values_pass_in_order_both_ways() {
    block_on(async {
        let (mut left, mut right) = pair::<String, u32>();
        for word in ["one", "", "three"] {
            left.sender.send(&word.to_string()).await.expect("sent");
        }
        right.sender.send(&7).await.expect("sent");
        for word in ["one", "", "three"] {
            let got = right.receiver.receive().await.expect("received");
            assert_eq!(got.as_deref(), Some(word));
        }
        assert_eq!(left.receiver.receive().await.expect("received"), Some(7));
    });
}

#[test]
fn a_large_value_passes_in_pieces() {
    block_on(async {
        let (mut left, mut right) = pair::<Vec<u8>, ()>();
        let large = vec![0xA5; 3 << 20];
        let sent = large.clone();
        let sender = async move { left.sender.send(&sent).await };
        let (sent, got) = tokio::join!(sender, right.receiver.receive());
        sent.expect("sent");
        assert_eq!(got.expect("received"), Some(large));
    });
}

#[test]
fn a_cancelled_receive_loses_nothing() {
    block_on(async {
        let (left, right) = StdUnixStream::pair().expect("a socketpair");
        let mut right = Link::<(), String>::new(right).expect("an end");
        let Frame(bytes) = Frame::encode(&"whole".to_string()).expect("encoded");
        let (first, second) = bytes.split_at(6);
        io::Write::write_all(&mut &left, first).expect("written");
        let quick = std::time::Duration::from_millis(5);
        assert!(tokio::time::timeout(quick, right.receiver.receive()).await.is_err());
        io::Write::write_all(&mut &left, second).expect("written");
        let got = right.receiver.receive().await.expect("received");
        assert_eq!(got.as_deref(), Some("whole"));
    });
}

#[test]
fn the_end_is_told_apart_from_a_break() {
    block_on(async {
        let (left, mut right) = pair::<u64, u64>();
        drop(left);
        assert!(matches!(right.receiver.receive().await, Ok(None)));

        let (left, right) = StdUnixStream::pair().expect("a socketpair");
        let mut right = Link::<(), u64>::new(right).expect("an end");
        io::Write::write_all(&mut &left, &[9, 0, 0, 0, 1]).expect("written");
        drop(left);
        assert!(matches!(right.receiver.receive().await, Err(Error::Truncated)));
    });
}

#[test]
fn an_end_with_frames_unread_is_an_end_like_any_other() {
    block_on(async {
        let (mut left, right) = pair::<u64, u64>();
        left.sender.send(&1).await.expect("sent");
        drop(right);
        left.sender.send(&2).await.expect("nobody minds");
        assert!(matches!(left.receiver.receive().await, Ok(None)));
    });
}

#[test]
fn a_length_beyond_the_limit_is_refused_before_it_is_believed() {
    assert!(matches!(split(&[0xFF, 0xFF, 0xFF, 0xFF]), Err(Error::TooLarge(_))));
    assert!(matches!(split(&[3, 0, 0, 0, 1]), Ok(Split::Missing(2))));
    assert!(matches!(split(&[3, 0]), Ok(Split::Missing(2))));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_refused_or_understood(bytes: Vec<u8>) {
        block_on(async {
            let (left, right) = StdUnixStream::pair().expect("a socketpair");
            let mut right = Link::<(), crate::model::frame::ToVrrp>::new(right).expect("an end");
            io::Write::write_all(&mut &left, &bytes).expect("written");
            drop(left);
            // Ends: with a value, the end, or an error.
            while let Ok(Some(_)) = right.receiver.receive().await {}
        });
    }
}
