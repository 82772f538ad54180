//! From a host name to addresses that may be called.

use std::net::IpAddr;
use std::sync::Arc;

use hickory_resolver::TokioResolver;

use crate::deliver::address_policy::AddressPolicy;
use crate::deliver::outcome::FailureReason;

/// Looks names up, and keeps only what the address policy lets through.
#[derive(Clone)]
pub(super) struct Resolver {
    lookup: Lookup,
    policy: Arc<AddressPolicy>,
}

#[derive(Clone)]
enum Lookup {
    /// Asks the name servers of the system's configuration; has a cache.
    Own(Arc<TokioResolver>),
    /// Asks the operating system, where that configuration cannot be read.
    System,
}

impl Resolver {
    pub(super) fn new(policy: Arc<AddressPolicy>) -> Resolver {
        let own = TokioResolver::builder_tokio().and_then(|builder| builder.build());
        let lookup = match own {
            Ok(resolver) => Lookup::Own(Arc::new(resolver)),
            Err(error) => {
                tracing::warn!(%error, "the system's DNS configuration cannot be read; names are looked up by the system");
                Lookup::System
            }
        };
        Resolver { lookup, policy }
    }

    /// The addresses of `host` (a name, or an address in brackets or not) that may be called, best first.
    pub(super) async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, FailureReason> {
        let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let all = match literal.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => self.look_up(host).await?,
        };
        let mut refused = None;
        let mut allowed = Vec::with_capacity(all.len());
        for address in all {
            match self.policy.check(address) {
                Ok(()) => allowed.push(address),
                Err(kind) => refused = Some(kind),
            }
        }
        match (allowed.is_empty(), refused) {
            (false, _) => Ok(allowed),
            (true, Some(kind)) => Err(FailureReason::AddressRefused(kind)),
            (true, None) => Err(FailureReason::NoAddress),
        }
    }

    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, FailureReason> {
        match &self.lookup {
            Lookup::Own(resolver) => match resolver.lookup_ip(name).await {
                Ok(found) => Ok(found.iter().collect()),
                Err(error) if error.is_no_records_found() || error.is_nx_domain() => {
                    Err(FailureReason::NoAddress)
                }
                Err(_) => Err(FailureReason::Dns),
            },
            Lookup::System => match tokio::net::lookup_host((name, 0)).await {
                Ok(found) => Ok(found.map(|address| address.ip()).collect()),
                Err(_) => Err(FailureReason::Dns),
            },
        }
    }
}
