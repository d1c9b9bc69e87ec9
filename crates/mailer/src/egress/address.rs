//! Which addresses are global unicast: one table of everything that is not.
//!
//! The table follows the special-purpose registries of IANA (RFC 6890) and adds what clouds put
//! at public-looking addresses. For IPv6 only `2000::/3` is open at all, less the specials in it;
//! that refuses every embedding of an IPv4 address outside of it (`::ffff:0:0/96`, `::/96`,
//! `64:ff9b::/96`, `fec0::/10`, …) whatever the embedded address is.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A refused block and why.
struct Block<A> {
    network: A,
    prefix: u32,
    reason: &'static str,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u32, reason: &'static str) -> Block<Ipv4Addr> {
    Block { network: Ipv4Addr::new(a, b, c, d), prefix, reason }
}

const fn v6(network: [u16; 4], prefix: u32, reason: &'static str) -> Block<Ipv6Addr> {
    let [a, b, c, d] = network;
    Block { network: Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), prefix, reason }
}

/// Refused in IPv4. Metadata services come first, so that the reason names them.
const REFUSED_V4: &[Block<Ipv4Addr>] = &[
    v4(169, 254, 169, 254, 32, "cloud metadata"),
    v4(168, 63, 129, 16, 32, "cloud metadata (Azure)"),
    v4(100, 100, 100, 200, 32, "cloud metadata (Alibaba)"),
    v4(192, 0, 0, 192, 32, "cloud metadata (Oracle)"),
    v4(0, 0, 0, 0, 8, "this network (RFC 791)"),
    v4(10, 0, 0, 0, 8, "private (RFC 1918)"),
    v4(100, 64, 0, 0, 10, "carrier-grade NAT (RFC 6598)"),
    v4(127, 0, 0, 0, 8, "loopback (RFC 1122)"),
    v4(169, 254, 0, 0, 16, "link-local (RFC 3927)"),
    v4(172, 16, 0, 0, 12, "private (RFC 1918)"),
    v4(192, 0, 0, 0, 24, "protocol assignments (RFC 6890)"),
    v4(192, 0, 2, 0, 24, "documentation (RFC 5737)"),
    v4(192, 31, 196, 0, 24, "AS112 (RFC 7535)"),
    v4(192, 52, 193, 0, 24, "AMT (RFC 7450)"),
    v4(192, 88, 99, 0, 24, "6to4 relays (RFC 7526)"),
    v4(192, 168, 0, 0, 16, "private (RFC 1918)"),
    v4(192, 175, 48, 0, 24, "AS112 (RFC 7534)"),
    v4(198, 18, 0, 0, 15, "benchmarks (RFC 2544)"),
    v4(198, 51, 100, 0, 24, "documentation (RFC 5737)"),
    v4(203, 0, 113, 0, 24, "documentation (RFC 5737)"),
    v4(224, 0, 0, 0, 4, "multicast (RFC 5771)"),
    v4(240, 0, 0, 0, 4, "reserved and broadcast (RFC 1112)"),
];

/// What is open in IPv6, before the table below.
const GLOBAL_V6: Block<Ipv6Addr> = v6([0x2000, 0, 0, 0], 3, "global unicast");

/// Refused inside of [`GLOBAL_V6`].
const REFUSED_V6: &[Block<Ipv6Addr>] = &[
    v6([0x2001, 0, 0, 0], 32, "Teredo (RFC 4380)"),
    v6([0x2001, 0, 0, 0], 23, "protocol assignments (RFC 2928)"),
    v6([0x2001, 0xdb8, 0, 0], 32, "documentation (RFC 3849)"),
    v6([0x2002, 0, 0, 0], 16, "6to4 (RFC 3056)"),
    v6([0x2620, 0x4f, 0x8000, 0], 48, "AS112 (RFC 7534)"),
    v6([0x3ffe, 0, 0, 0], 16, "6bone (RFC 3701)"),
    v6([0x3fff, 0, 0, 0], 20, "documentation (RFC 9637)"),
];

fn block_holds_v4(block: &Block<Ipv4Addr>, address: Ipv4Addr) -> bool {
    let shift = 32 - block.prefix;
    address.to_bits() >> shift == block.network.to_bits() >> shift
}

fn block_holds_v6(block: &Block<Ipv6Addr>, address: Ipv6Addr) -> bool {
    let shift = 128 - block.prefix;
    address.to_bits() >> shift == block.network.to_bits() >> shift
}

/// An ISATAP interface identifier (RFC 5214): an IPv4 address behind any prefix whatever.
fn is_isatap(address: Ipv6Addr) -> bool {
    let [.., e, f, _, _] = address.segments();
    matches!(e, 0 | 0x200) && f == 0x5efe
}

/// Why `address` may not be connected to, or `None` if it is global unicast.
///
/// The reason is for the operator's log at most: whoever named the host must not learn it.
pub fn refusal(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => {
            REFUSED_V4.iter().find(|block| block_holds_v4(block, address)).map(|block| block.reason)
        }
        IpAddr::V6(address) if !block_holds_v6(&GLOBAL_V6, address) => {
            Some("not global unicast (RFC 4291)")
        }
        IpAddr::V6(address) if is_isatap(address) => Some("ISATAP (RFC 5214)"),
        IpAddr::V6(address) => {
            REFUSED_V6.iter().find(|block| block_holds_v6(block, address)).map(|block| block.reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_refused(text: &str) -> bool {
        refusal(text.parse().expect("an address")).is_some()
    }

    #[test]
    fn everything_but_global_unicast_is_refused() {
        let refused = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.5",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.3.4",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.10",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::10.0.0.5",
            "::8.8.8.8",
            "::ffff:10.0.0.5",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::ffff:0:127.0.0.1",
            "64:ff9b::10.0.0.5",
            "64:ff9b::7f00:1",
            "64:ff9b:1::10.0.0.5",
            "100::1",
            "2001::1",
            "2001:0:7f00:1::",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:1ff:ffff::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a00:5::",
            "2002:808:808::1",
            "2620:4f:8000::1",
            "3ffe::1",
            "3fff::1",
            "3fff:fff::1",
            "2a00:1450::5efe:10.0.0.5",
            "2a00:1450::200:5efe:127.0.0.1",
            "4000::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for address in refused {
            assert!(is_refused(address), "{address}");
        }
    }

    #[test]
    fn neighbours_of_the_refused_blocks_are_open() {
        let open = [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.255",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2003::1",
            "2606:4700::1111",
            "2a00:1450:4001:81b::200e",
            "3ffd:ffff::1",
            "3fff:1000::1",
        ];
        for address in open {
            assert!(!is_refused(address), "{address}");
        }
    }

    proptest! {
        #[test]
        fn an_ipv4_address_is_refused_in_every_embedding(bits: u32) {
            let [a, b, c, d] = bits.to_be_bytes();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            let embeddings = [
                Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
                Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
                Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
                Ipv6Addr::new(0x2001, 0, high, low, 0, 0, 0, 0),
                Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, !high, !low),
                Ipv6Addr::new(0x2a00, 1, 2, 3, 0, 0x5efe, high, low),
                Ipv6Addr::new(0xfe80, 0, 0, 0, 0x200, 0x5efe, high, low),
            ];
            for address in embeddings {
                prop_assert!(refusal(IpAddr::V6(address)).is_some(), "{}", address);
            }
        }

        #[test]
        fn what_the_standard_library_calls_special_is_refused(bits: u32) {
            let address = Ipv4Addr::from(bits);
            let special = address.is_private() || address.is_loopback() || address.is_link_local()
                || address.is_broadcast() || address.is_documentation() || address.is_multicast()
                || address.is_unspecified();
            prop_assert!(!special || refusal(IpAddr::V4(address)).is_some());
        }

        #[test]
        fn nothing_outside_2000_3_is_open(bits: u128) {
            let address = Ipv6Addr::from(bits);
            prop_assert!(bits >> 125 == 1 || refusal(IpAddr::V6(address)).is_some());
        }
    }
}
