//! What a name server knows.

use std::{collections::HashMap, net::IpAddr};

use hickory_proto::rr::{
    Name, RData,
    rdata::{CNAME, MX, SRV, TXT},
};

/// The names that a server knows, written without a trailing dot.
#[derive(Default)]
pub struct Zone {
    pub(crate) records: HashMap<String, Vec<RData>>,
    behaviours: HashMap<String, Behaviour>,
}

/// How a name misbehaves, whatever it is asked for.
#[derive(Clone, Debug)]
pub enum Behaviour {
    /// As many addresses as a message over TCP can hold, some 4,000, in a message that claims
    /// 10,000 if it is `lying`. Over UDP truncated.
    Flood {
        /// Whether the header claims more than the message has.
        lying: bool,
    },
    /// An alias of a longer name, which is an alias of one that is longer still.
    EndlessAliases,
    /// An alias of itself.
    AliasOfItself,
    /// At the first question this address, at each later one the other: what was judged is not
    /// what would be dialled.
    Rebinding {
        /// The first answer.
        first: IpAddr,
        /// All later ones.
        then: IpAddr,
    },
    /// An address, but of a name that nobody asked for.
    OtherName(IpAddr),
    /// No answer.
    Silence,
    /// `SERVFAIL`.
    Failure,
    /// Bytes that are no message.
    Garbage,
}

impl Zone {
    /// A zone without names.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an address.
    #[must_use]
    pub fn address(self, name: &str, address: impl Into<IpAddr>) -> Self {
        self.with(name, RData::from(address.into()))
    }

    /// Adds a host that takes mail for `name`. An empty `exchange` takes none.
    #[must_use]
    pub fn mx(self, name: &str, preference: u16, exchange: &str) -> Self {
        self.with(name, RData::MX(MX::new(preference, parsed(exchange))))
    }

    /// Adds a place where the service `name` is offered: its priority, weight, port and host. With
    /// an empty `target` it is decidedly not offered.
    #[must_use]
    pub fn srv(self, name: &str, (priority, weight, port): (u16, u16, u16), target: &str) -> Self {
        self.with(name, RData::SRV(SRV::new(priority, weight, port, parsed(target))))
    }

    /// Adds a text, in strings of at most 255 bytes.
    #[must_use]
    pub fn txt(self, name: &str, text: &str) -> Self {
        let strings = text.as_bytes().chunks(255).collect();
        self.with(name, RData::TXT(TXT::from_bytes(strings)))
    }

    /// Makes `name` an alias of `target`.
    #[must_use]
    pub fn alias(self, name: &str, target: &str) -> Self {
        self.with(name, RData::CNAME(CNAME(parsed(target))))
    }

    /// Makes `name` misbehave.
    #[must_use]
    pub fn misbehaving(mut self, name: &str, behaviour: Behaviour) -> Self {
        self.behaviours.insert(name.to_owned(), behaviour);
        self
    }

    /// How `name` misbehaves, by itself or because one above it has aliases without end.
    pub(crate) fn behaviour(&self, name: &str) -> Option<&Behaviour> {
        let endless = || {
            self.behaviours.iter().find_map(|(above, behaviour)| {
                let below = name.strip_suffix(above.as_str()).is_some_and(|n| n.ends_with('.'));
                (below && matches!(behaviour, Behaviour::EndlessAliases)).then_some(behaviour)
            })
        };
        self.behaviours.get(name).or_else(endless)
    }

    fn with(mut self, name: &str, data: RData) -> Self {
        self.records.entry(name.to_owned()).or_default().push(data);
        self
    }
}

/// A name as a test writes it; nothing is the root.
pub(crate) fn parsed(name: &str) -> Name {
    Name::from_ascii(format!("{name}.")).expect("a test writes names that exist")
}
