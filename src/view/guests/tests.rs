use tokio::time::timeout;

use super::*;

/// Does this since so long.
fn does(guest: &Guest, doing: Doing, age: Duration) {
    *guest.0.doing.lock().expect("no panic") = (doing, Instant::now() - age);
}

async fn is_dismissed(guest: &Guest) -> bool {
    timeout(Duration::ZERO, guest.dismissed()).await.is_ok()
}

#[tokio::test]
async fn who_is_silent_for_longest_makes_room() {
    let mut guests = Guests::new(2, 2);
    let (first, second) = (guests.admit(()).expect("a place"), guests.admit(()).expect("a place"));
    does(&second, Doing::Silent, SERVED);
    first.is_served();
    first.is_silent();
    let third = guests.admit(()).expect("a place");
    assert_eq!((is_dismissed(&first).await, is_dismissed(&second).await), (false, true));
    drop(first);
    let _fourth = guests.admit(()).expect("a free place");
    assert!(!is_dismissed(&third).await);
}

#[tokio::test]
async fn who_is_being_answered_stays_unless_he_does_not_read() {
    let mut guests = Guests::new(2, 2);
    let (served, listens) = (guests.admit(()).expect("a place"), guests.admit(()).expect("a place"));
    served.is_served();
    listens.listens();
    let third = guests.admit(()).expect("a place");
    assert_eq!((is_dismissed(&served).await, is_dismissed(&listens).await), (false, true));
    third.is_served();
    assert!(guests.admit(()).is_none());
    does(&served, Doing::Served, SERVED);
    assert!(guests.admit(()).is_some());
    assert_eq!((is_dismissed(&served).await, is_dismissed(&third).await), (true, false));
}

#[tokio::test]
async fn a_crowd_makes_room_for_others() {
    let mut guests = Guests::new(4, 3);
    let alone = guests.admit('a').expect("a place");
    does(&alone, Doing::Silent, SERVED);
    let crowd = ['b'; 3].map(|origin| guests.admit(origin).expect("a place"));
    let _other = guests.admit('c').expect("a place");
    assert!(!is_dismissed(&alone).await);
    let mut left = 0;
    for guest in &crowd {
        left += usize::from(is_dismissed(guest).await);
    }
    assert_eq!(left, 1);
    // No more than three of one.
    let _third = guests.admit('b').expect("a place");
}
