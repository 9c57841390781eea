//! The packet filter: opened when it is first needed, watched while there is something in it.

use tracing::info;

use crate::model::{Family, FilterRules};
use crate::net::{FilterWatch, NetError, Nftables};

/// The tables, and the ear for those who change them.
#[derive(Default)]
pub(in crate::vrrp) struct Filter {
    tables: Option<Nftables>,
    watch: Option<(String, FilterWatch)>,
}

impl Filter {
    /// Makes the tables hold exactly this; without rules, removes them. The error is a sentence's part.
    pub(super) fn set(&mut self, rules: Option<&FilterRules>) -> Result<(), String> {
        let Some(rules) = rules else {
            self.watch = None;
            return self.tables.take().map_or(Ok(()), |mut tables| tables.clear().map_err(|it| it.to_string()));
        };
        let tables = match &mut self.tables {
            Some(tables) => tables,
            none => none.insert(Nftables::open().map_err(|error| error.to_string())?),
        };
        let replaced = tables.set(rules).map_err(|refusal| refusal.to_string())?;
        let table = &rules.style.table;
        for family in replaced {
            let family = if family == Family::V4 { "ip" } else { "ip6" };
            info!("Deleting old {family} {table} table");
        }
        let watched = self.watch.as_ref().is_some_and(|(name, _)| name == table);
        if tables.is_in_use() && !watched {
            let watch = tables.watch(table).map_err(|error| error.to_string())?;
            self.watch = Some((table.clone(), watch));
        }
        Ok(())
    }

    /// Waits until somebody else has taken something from the tables.
    pub(super) async fn lost(&self) -> Result<(), NetError> {
        match &self.watch {
            Some((_, watch)) => watch.lost().await,
            None => std::future::pending().await,
        }
    }

    /// The tables are not what they were set to, or, for what `lost` says, will no longer be watched until they are
    /// set again.
    pub(super) fn forget(&mut self, lost: Result<(), NetError>) {
        if let Err(error) = lost {
            info!("{error}");
            self.watch = None;
        }
        if let Some(tables) = &mut self.tables {
            tables.forget();
        }
    }
}
