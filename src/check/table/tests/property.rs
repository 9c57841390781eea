//! A table, a kernel behind a slow line, and somebody who edits the kernel's table: in the end ours is as wanted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::kernel::{Kernel, refusal};
use super::rng::Rng;
use super::*;

/// What travels to the kernel and back, in order.
enum Parcel {
    Change(IpvsChange),
    Audit,
}

/// What an owner said of a service: what it wants of it, and of its destinations (`None`: only known).
type Said = (ServiceSettings, BTreeMap<SocketAddr, Option<DestSettings>>);

struct World {
    rng: Rng,
    now: Time,
    table: Table,
    kernel: Kernel,
    /// On its way
    line: VecDeque<Parcel>,
    /// Percentage of requests that fail for no reason
    trouble: u64,
    /// What the owners said last, in the order in which they came to a service
    said: BTreeMap<ServiceKey, Vec<(Owner, Said)>>,
    /// The order in which owners came to a destination
    came: BTreeMap<(ServiceKey, SocketAddr), Vec<Owner>>,
    /// Services that a foreigner made
    foreign: BTreeSet<ServiceKey>,
    is_open: bool,
}

const OWNERS: [Owner; 3] = [ONE, TWO, Owner(3)];
const SCHEDULERS: [&str; 3] = ["rr", "wlc", "sh"];

/// A destination that no configuration names.
fn stranger(rng: &mut Rng) -> SocketAddr {
    SocketAddr::from(([10, 9, 0, rng.range(1, 3) as u8], 80))
}

fn is_stranger(to: &SocketAddr) -> bool {
    matches!(to, SocketAddr::V4(to) if to.ip().octets()[1] == 9)
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let trouble = rng.pick(&[0, 0, 10, 50]);
        World {
            rng,
            now: seconds(0),
            table: Table::default(),
            kernel: Kernel::default(),
            line: VecDeque::new(),
            trouble,
            said: BTreeMap::new(),
            came: BTreeMap::new(),
            foreign: BTreeSet::new(),
            is_open: false,
        }
    }

    fn settings(&mut self) -> ServiceSettings {
        service(self.rng.pick(&SCHEDULERS))
    }

    fn weight(&mut self) -> DestSettings {
        weight(self.rng.range(0, 3) as u32)
    }

    /// Something happens.
    fn step(&mut self) {
        let key = key(self.rng.range(80, 83) as u16);
        let to = at(self.rng.range(1, 5) as u8);
        let owner = self.rng.pick(&OWNERS);
        match self.rng.range(0, 19) {
            0..=2 => {
                let settings = self.settings();
                self.table.want_service(owner, key, settings.clone());
                let owners = self.said.entry(key).or_default();
                match owners.iter_mut().find(|(other, _)| *other == owner) {
                    Some((_, said)) => said.0 = settings,
                    None => owners.push((owner, (settings, BTreeMap::new()))),
                }
            }
            3 => {
                self.table.drop_service(owner, &key);
                self.said.entry(key).or_default().retain(|(other, _)| *other != owner);
                self.came.iter_mut().filter(|((of, _), _)| *of == key).for_each(|(_, came)| {
                    came.retain(|other| *other != owner);
                });
            }
            4..=10 => self.dest(owner, key, to),
            11..=13 => self.meddle(key, to),
            14 if self.rng.chance(20) => {
                if self.is_open {
                    self.table.close();
                    self.kernel = Kernel::default();
                    self.foreign.clear();
                    self.line.clear();
                } else {
                    self.table.open(self.now);
                }
                self.is_open = !self.is_open;
            }
            _ => self.now = self.now + Micros(self.rng.range(0, 3_000_000)),
        }
        self.turn();
    }

    /// An owner changes its mind about a destination of a service that it wants.
    fn dest(&mut self, owner: Owner, key: ServiceKey, to: SocketAddr) {
        let settings = self.weight();
        let Some((_, said)) = self.said.get_mut(&key).and_then(|it| it.iter_mut().find(|(other, _)| *other == owner))
        else {
            return;
        };
        let came = self.came.entry((key, to)).or_default();
        match self.rng.range(0, 3) {
            0 => {
                self.table.know_dest(owner, &key, to);
                said.1.entry(to).or_insert(None);
            }
            1 => {
                self.table.drop_dest(owner, &key, to);
                if came.contains(&owner) || self.table.services[&key].dests.contains_key(&to) {
                    said.1.insert(to, None);
                }
            }
            2 => {
                self.table.forget_dest(owner, &key, to);
                said.1.remove(&to);
            }
            _ => {
                self.table.want_dest(owner, &key, to, settings);
                said.1.insert(to, Some(settings));
            }
        }
        came.retain(|other| *other != owner || said.1.contains_key(&to));
        if said.1.contains_key(&to) && !came.contains(&owner) {
            came.push(owner);
        }
    }

    /// Somebody else edits the table.
    fn meddle(&mut self, key: ServiceKey, to: SocketAddr) {
        let to = if self.rng.chance(30) { stranger(&mut self.rng) } else { to };
        let (settings, weight) = (self.settings(), self.weight());
        let change = match self.rng.range(0, 5) {
            0 => AddService(key, settings),
            1 => SetService(key, settings),
            2 => DeleteService(key),
            3 => AddDest(key, to, weight),
            4 => SetDest(key, to, weight),
            _ => DeleteDest(key, to),
        };
        if self.kernel.apply(&change).is_ok() && matches!(change, AddService(..)) {
            self.foreign.insert(key);
        }
    }

    /// The driver's part: what is due, what is wanted, and some of what is on its way.
    fn turn(&mut self) {
        while self.table.next_timeout().is_some_and(|due| due <= self.now) {
            if self.table.handle_timeout(self.now) {
                self.line.push_back(Parcel::Audit);
            }
        }
        for _ in 0..self.rng.range(0, 6) {
            self.send();
            self.deliver();
        }
        self.send();
    }

    fn send(&mut self) {
        for change in self.table.plan() {
            if let AddDest(_, to, _) | SetDest(_, to, _) | DeleteDest(_, to) = &change {
                assert!(!is_stranger(to), "{change:?}");
            }
            self.line.push_back(Parcel::Change(change));
        }
        assert!(self.line.len() < 1_000, "the table floods the kernel");
    }

    fn deliver(&mut self) {
        match self.line.pop_front() {
            Some(Parcel::Change(change)) => {
                let result = match self.rng.chance(self.trouble) {
                    true => Err(self.rng.pick(&[12, 1, 22])),
                    false => self.kernel.apply(&change),
                };
                if let Err(errno) = result {
                    self.table.refused(self.now, &change, &refusal(errno));
                }
            }
            Some(Parcel::Audit) => {
                self.table.observed(self.now, self.kernel.services.clone());
            }
            None => {}
        }
    }

    /// Nothing happens any more, for long enough.
    fn rest(&mut self) {
        self.trouble = 0;
        if !self.is_open {
            self.table.open(self.now);
            self.is_open = true;
        }
        let end = self.now + Micros::from_secs(300);
        while self.now < end {
            let next = self.table.next_timeout().expect("audits go on");
            self.now = self.now.max(next);
            self.turn();
            while !self.line.is_empty() {
                self.deliver();
                self.send();
            }
            assert!(self.table.next_timeout().is_none_or(|due| due > self.now), "it does not come to rest");
        }
    }

    fn check(&self) {
        for port in 80..=83 {
            let key = key(port);
            let found = self.kernel.find(&key);
            let Some(owners) = self.said.get(&key).filter(|owners| !owners.is_empty()) else {
                assert!(found.is_none() || self.foreign.contains(&key), "{key:?} is there, but nobody wants it");
                continue;
            };
            let found = found.unwrap_or_else(|| panic!("{key:?} is missing"));
            assert_eq!(found.settings, owners[0].1.0);
            for last in 1..=5 {
                let to = at(last);
                let came = self.came.get(&(key, to)).cloned().unwrap_or_default();
                if came.is_empty() {
                    continue;
                }
                let wanted = came.iter().find_map(|owner| {
                    let (_, said) = owners.iter().find(|(other, _)| other == owner)?;
                    *said.1.get(&to)?
                });
                let there = found.dests.iter().find(|(other, _)| *other == to).map(|(_, settings)| *settings);
                assert_eq!(there, wanted, "{key:?} -> {to}");
            }
        }
    }
}

#[test]
fn in_the_end_the_kernel_has_what_is_wanted() {
    for seed in 0..1_000 {
        let outcome = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            for _ in 0..world.rng.range(5, 200) {
                world.step();
            }
            world.rest();
            world.check();
            let strangers = strangers(&world.kernel);
            world.rest();
            world.check();
            assert_eq!(strangers, self::strangers(&world.kernel), "what is not ours stays as it is");
        });
        assert!(outcome.is_ok(), "seed {seed}");
    }
}

/// What is in the kernel that no configuration names.
fn strangers(kernel: &Kernel) -> Vec<(ServiceKey, SocketAddr, DestSettings)> {
    let of = |service: &Observed| {
        let key = service.key;
        let dests = service.dests.clone().into_iter().filter(|(to, _)| is_stranger(to));
        dests.map(move |(to, settings)| (key, to, settings)).collect::<Vec<_>>()
    };
    kernel.services.iter().flat_map(of).collect()
}
