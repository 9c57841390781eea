//! Anything in any order: servers come and go, files change, configurations are taken in the middle of it. When everything
//! is quiet again, the table holds what servers and configuration say, whatever has happened before.

use std::collections::BTreeMap;

use keepalived_rs::check::event::Event;
use keepalived_rs::model::{Micros, Random};

use crate::director::Director;

struct Dice(Random);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0.number()
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn is_one_of(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

const FILE: &str = "/tmp/checks-chaos";

#[derive(Clone, Debug)]
struct Server {
    number: u8,
    weight: u64,
    inhibit: bool,
    ports: Vec<u16>,
    alpha: bool,
    follows: bool,
}

#[derive(Clone, Debug)]
struct Service {
    vip: u8,
    quorum: u64,
    sorry: Option<bool>,
    servers: Vec<Server>,
}

fn service(vip: u8, dice: &mut Dice) -> Service {
    let mut servers = Vec::new();
    for number in 1..=4 {
        if dice.is_one_of(3) {
            continue;
        }
        servers.push(Server {
            number,
            weight: 1 + dice.below(3),
            inhibit: dice.is_one_of(3),
            ports: [80, 81, 82].into_iter().filter(|_| dice.is_one_of(2)).collect(),
            alpha: dice.is_one_of(3),
            follows: dice.is_one_of(4),
        });
    }
    let sum: u64 = servers.iter().map(|server| server.weight).sum();
    let sorry = dice.is_one_of(2).then(|| dice.is_one_of(2));
    Service { vip, quorum: 1 + dice.below(sum.max(1)), sorry, servers }
}

fn configuration(dice: &mut Dice) -> Vec<Service> {
    let mut services = Vec::new();
    for vip in 1..=3 {
        if !dice.is_one_of(4) {
            services.push(service(vip, dice));
        }
    }
    services.retain(|service| !service.servers.is_empty());
    services
}

fn text(services: &[Service]) -> String {
    let mut text = format!("track_file f {{\n file {FILE}\n weight 0\n}}\n");
    for service in services {
        text += &format!("virtual_server 10.0.0.{} 80 {{\n delay_loop 4\n protocol TCP\n", service.vip);
        text += &format!(" lvs_sched rr\n lvs_method NAT\n quorum {}\n", service.quorum);
        if let Some(inhibit) = service.sorry {
            text += " sorry_server 10.1.0.9 80\n";
            text += if inhibit { " sorry_server_inhibit\n" } else { "" };
        }
        for server in &service.servers {
            text += &format!(" real_server 10.1.0.{} 80 {{\n weight {}\n", server.number, server.weight);
            text += if server.inhibit { " inhibit_on_failure\n" } else { "" };
            text += if server.alpha { " alpha\n" } else { "" };
            text += if server.follows { " FILE_CHECK {\n track_file f\n }\n" } else { "" };
            for port in &server.ports {
                text += &format!(" TCP_CHECK {{\n connect_port {port}\n retry 1\n }}\n");
            }
            text += " }\n";
        }
        text += "}\n";
    }
    text
}

/// What the table has to hold when all checks have run.
fn expected(services: &[Service], director: &Director, file: i32) -> Vec<String> {
    let mut lines = Vec::new();
    for service in services {
        let listens = |server: &Server, port: u16| {
            director.listening.contains(&format!("10.1.0.{}:{port}", server.number).parse().unwrap())
        };
        let good =
            |server: &&Server| server.ports.iter().all(|port| listens(server, *port)) && (!server.follows || file == 0);
        let sum: u64 = service.servers.iter().filter(good).map(|server| server.weight).sum();
        let sorry_serves = sum < service.quorum && service.sorry.is_some();
        let mut line = |number: u8, weight: u64| {
            lines.push(format!("-a -t 10.0.0.{}:80 -r 10.1.0.{number}:80 -m -w {weight}", service.vip));
        };
        for server in &service.servers {
            match good(&server) && !sorry_serves {
                true => line(server.number, server.weight),
                false if server.inhibit => line(server.number, 0),
                false => {}
            }
        }
        match service.sorry {
            Some(_) if sorry_serves => line(9, 1),
            Some(true) => line(9, 0),
            _ => {}
        }
    }
    lines.sort();
    lines
}

/// A virtual server is told up and down in turns, and every service that has a sorry server has somebody.
fn look(services: &[Service], director: &mut Director, told: &mut BTreeMap<String, bool>) {
    for line in director.done() {
        if let Some((name, state)) = line.strip_prefix("tell VS ").and_then(|rest| rest.split_once(' ')) {
            let before = told.insert(name.to_string(), state == "UP");
            assert_ne!(before, Some(state == "UP"), "{name} is told {state} twice");
        }
    }
    let pool = director.pool();
    for service in services.iter().filter(|service| service.sorry.is_some()) {
        let start = format!("-a -t 10.0.0.{}:80 ", service.vip);
        let serves = |line: &&String| line.starts_with(&start) && !line.contains("-w 0");
        assert!(pool.iter().any(|line| serves(&line)), "{start} has nobody: {pool:?}");
    }
}

fn play(seed: u64) {
    let mut dice = Dice(Random::new(seed));
    let mut director = Director::new();
    let mut services = configuration(&mut dice);
    let mut told = BTreeMap::new();
    let mut file = 0;
    director.begin(&text(&services));
    director.ipvs_appears();
    director.start();
    for _ in 0..60 {
        match dice.below(10) {
            0..=4 => {
                let address = format!("10.1.0.{}:{}", 1 + dice.below(4), 80 + dice.below(3));
                let listens = dice.is_one_of(2);
                director.listen(&address, listens);
            }
            5 => {
                file = dice.below(2) as i32;
                director.write(FILE, file);
            }
            6..=7 => {
                services = configuration(&mut dice);
                director.reload(&text(&services));
                let kept = |name: &String| services.iter().any(|s| *name == format!("[10.0.0.{}]:tcp:80", s.vip));
                look(&services, &mut director, &mut told);
                told.retain(|name, _| kept(name));
            }
            8 => director.check_takes = Micros(1 + dice.below(3_000_000)),
            _ => {
                director.tell(Event::IpvsGone);
                director.kernel = Default::default();
                director.ipvs_appears();
            }
        }
        look(&services, &mut director, &mut told);
        let span = Micros(dice.below(8_000_000));
        director.wait(span);
        look(&services, &mut director, &mut told);
        if dice.is_one_of(4) {
            director.wait(Micros::from_secs(40));
            assert_eq!(director.pool(), expected(&services, &director, file), "seed {seed}");
        }
    }
    director.stop(false);
    assert!(director.kernel.services.is_empty());
}

#[test]
fn whatever_happens_the_table_is_right_in_the_end() {
    (0..60).for_each(play);
}
