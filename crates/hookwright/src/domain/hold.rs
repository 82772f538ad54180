//! By which leases a node holds deliveries, and whether it has held one without a gap.

/// Which lease: a random number that no other ever has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeaseNumber(pub u64);

impl LeaseNumber {
    /// None: of whoever delivers nothing, and on SQLite, where what is ready is the only node's.
    pub const NONE: LeaseNumber = LeaseNumber(0);
}

/// The leases by which a node holds deliveries: its own, and those of others that it took over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What it writes under.
    pub own: LeaseNumber,
    /// Ended, and adopted under its own.
    pub adopted: Vec<LeaseNumber>,
}

impl Held {
    /// What the only node of a database holds.
    pub fn alone() -> Held {
        Held { own: LeaseNumber::NONE, adopted: Vec::new() }
    }

    /// Whether it is one of them.
    pub fn has(&self, lease: LeaseNumber) -> bool {
        self.own == lease || self.adopted.contains(&lease)
    }

    /// Whether a delivery has been held without a gap since it was held so.
    pub fn still(&self, hold: Hold) -> bool {
        self.own == hold.own && self.has(hold.lease)
    }
}

/// How a node held a delivery when it began an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// What the delivery stood under.
    pub lease: LeaseNumber,
    /// The node's own lease then: if it has another now, others may have had the delivery meanwhile, even if it is the node's again.
    pub own: LeaseNumber,
}

impl Hold {
    /// Of the only node of a database, and of whoever delivers nothing.
    pub const ALONE: Hold = Hold { lease: LeaseNumber::NONE, own: LeaseNumber::NONE };
}
