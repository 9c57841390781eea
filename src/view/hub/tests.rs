use super::*;
use crate::model::frame::{Picture, Shared};
use crate::os::packed::Packed;

const ORIGIN: Origin = Origin { pid: 7, started: 1 };

/// Longer than any machine stalls.
const LONG: Duration = Duration::from_secs(3600);
const PATIENT: Spans = Spans { fresh: LONG, patience: LONG, kept: LONG };

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(work)
}

fn sealed() -> Arc<Sealed> {
    Arc::new(Sealed {
        global: Arc::default(),
        shared: Packed::of(&Shared { host_name: "router1".into(), ..Shared::default() }),
        vrrp: None,
        check: None,
        file: "/etc/keepalived/keepalived.conf".into(),
        since: 5,
        refused: None,
    })
}

struct Bench {
    hub: Hub,
    requests: mpsc::Receiver<Request>,
    configuration: watch::Sender<Arc<Sealed>>,
}

fn bench(spans: Spans) -> Bench {
    let (to_parent, requests) = mpsc::channel(4);
    let (configuration, of_hub) = watch::channel(sealed());
    Bench { hub: Hub::new(ORIGIN, spans, to_parent, of_hub, Arc::new(Ring::new(Vec::new()))), requests, configuration }
}

/// Answers one look.
async fn answer(requests: &mut mpsc::Receiver<Request>) {
    let Some(Request::Look(answer)) = requests.recv().await else { panic!("no look") };
    let picture = Picture::Vrrp(Box::default());
    answer.send(Gathered { children: Vec::new(), pictures: vec![picture] }).expect("somebody waits");
}

#[test]
fn a_flood_of_clients_is_one_look() {
    block_on(async {
        let Bench { hub, mut requests, configuration: _held } = bench(PATIENT);
        let client = |hub: Hub| async move { hub.scene().await };
        let clients: Vec<_> = (0..100).map(|_| tokio::spawn(client(hub.clone()))).collect();
        answer(&mut requests).await;
        for client in clients {
            let scene = client.await.expect("no panic");
            assert!(scene.vrrp.is_some() && scene.check.is_none());
            assert_eq!((scene.pid, scene.configuration.shared.host_name.as_str()), (7, "router1"));
        }
        assert!(requests.try_recv().is_err(), "a second look");
    });
}

#[test]
fn who_asks_later_gets_a_newer_scene() {
    block_on(async {
        let spans = Spans { fresh: Duration::ZERO, ..PATIENT };
        let Bench { hub, mut requests, configuration: _held } = bench(spans);
        let (first, ()) = tokio::join!(hub.scene(), answer(&mut requests));
        let (second, ()) = tokio::join!(hub.scene(), answer(&mut requests));
        assert!(!Arc::ptr_eq(&first, &second));
        assert!(Arc::ptr_eq(&first.configuration, &second.configuration), "opened once");
    });
}

#[test]
fn clients_that_have_gone_are_not_looked_for() {
    block_on(async {
        let Bench { hub, mut requests, configuration: _held } = bench(PATIENT);
        for _ in 0..10 {
            assert!(timeout(Duration::ZERO, hub.scene()).await.is_err());
        }
        let mut looks = 0;
        while requests.try_recv().is_ok() {
            looks += 1;
        }
        assert!(looks <= 1, "{looks} looks");
    });
}

#[test]
fn a_parent_that_does_not_answer_leaves_a_scene_without_pictures() {
    block_on(async {
        let spans = Spans { patience: Duration::from_millis(10), ..PATIENT };
        let Bench { hub, requests: _unheard, configuration: _held } = bench(spans);
        let scene = hub.scene().await;
        assert!(scene.vrrp.is_none() && scene.children.is_empty() && !scene.answers);
        assert_eq!(scene.configuration.since, 5);
    });
}

#[test]
fn after_a_reload_no_older_scene_is_shown() {
    block_on(async {
        let Bench { hub, mut requests, configuration } = bench(PATIENT);
        let (first, ()) = tokio::join!(hub.scene(), answer(&mut requests));
        configuration.send_replace(Arc::new(Sealed {
            since: 6,
            refused: Some(("no".into(), 8)),
            ..(*sealed()).clone()
        }));
        let (second, ()) = tokio::join!(hub.scene(), answer(&mut requests));
        assert_eq!((first.configuration.since, second.configuration.since), (5, 6));
        assert_eq!(second.configuration.refused, Some(("no".to_owned(), 8)));
    });
}

#[test]
fn what_was_asked_for_before_a_reload_is_not_taken_for_news_of_the_new_configuration() {
    block_on(async {
        let Bench { hub, mut requests, configuration } = bench(PATIENT);
        let reload = async {
            let Some(Request::Look(early)) = requests.recv().await else { panic!("no look") };
            configuration.send_replace(Arc::new(Sealed { since: 6, ..(*sealed()).clone() }));
            early.send(Gathered { children: Vec::new(), pictures: vec![Picture::Bfd(Box::default())] }).expect("sent");
            answer(&mut requests).await;
        };
        let (scene, ()) = tokio::join!(hub.scene(), reload);
        assert_eq!(scene.configuration.since, 6);
        assert!(scene.vrrp.is_some() && scene.bfd.is_none() && scene.answers);
    });
}

#[test]
fn nothing_is_kept_when_nobody_looks() {
    block_on(async {
        let spans = Spans { kept: Duration::from_millis(10), ..PATIENT };
        let Bench { hub, mut requests, configuration: _held } = bench(spans);
        let (scene, ()) = tokio::join!(hub.scene(), answer(&mut requests));
        let configuration = Arc::downgrade(&scene.configuration);
        let scene = Arc::downgrade(&{ scene });
        while scene.upgrade().is_some() || configuration.upgrade().is_some() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
}
