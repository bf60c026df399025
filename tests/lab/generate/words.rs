//! What access logs are made of: addresses, times, paths, referrers, agents.

use super::Random;

pub const USERS: &[&str] = &["alice", "bob", "mallory", "frank", "svc-backup", "o.connor"];
pub const METHODS: &[&str] = &["POST", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"];
pub const STATUSES: &[u16] =
    &[201, 204, 206, 301, 302, 304, 304, 304, 400, 401, 403, 404, 404, 404, 429, 499, 500, 502, 503];
pub const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "curl/8.5.0",
    "python-requests/2.32.3",
    "Überwachung/2.1 (監視)",
    "-",
];
const SECTIONS: &[&str] = &[
    "api/v1/orders",
    "api/v2/search",
    "assets/js",
    "images/products",
    "blog",
    "konto/übersicht",
    "商品",
    "docs/guide",
];
const PAGES: &[&str] = &[
    "index.html",
    "list",
    "app.3f2a9c.js",
    "detail",
    "größe.png",
    "café",
    "検索",
    "checkout",
    "logo.svg",
    "%E2%9C%93",
];
const SITES: &[&str] =
    &["https://www.example.com", "https://shop.example.org", "http://intranet.example", "https://例え.example"];
const ZONES: &[(&str, i64)] =
    &[("+0000", 0), ("+0000", 0), ("+0000", 0), ("+0200", 120), ("+0900", 540), ("-0330", -210)];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

pub fn address(random: &mut Random) -> String {
    if random.chance(120) {
        return format!("2001:db8:{:x}::{:x}", random.below(0xffff), 1 + random.below(0xfffe));
    }
    let network = random.pick(&["192.0.2", "198.51.100", "203.0.113", "10.20.30"]);
    format!("{network}.{}", 1 + random.below(254))
}

/// `dd/MMM/yyyy:HH:mm:ss Z` of the same instant (to the second) in one of a few zones.
pub fn time(random: &mut Random, timestamp: i64) -> String {
    let (zone, minutes) = *random.pick(ZONES);
    let seconds = timestamp.div_euclid(1000) + minutes * 60;
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let month = MONTHS[month - 1];
    format!("{day:02}/{month}/{year}:{:02}:{:02}:{:02} {zone}", second / 3600, second / 60 % 60, second % 60)
}

/// Year, month and day of a number of days since 1970-01-01, by counting: the log spans a few days only.
fn civil(mut days: i64) -> (i64, usize, i64) {
    let mut year = 1970;
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    while days >= 365 + i64::from(leap(year)) {
        days -= 365 + i64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    (year, month + 1, days + 1)
}

pub fn path(random: &mut Random) -> String {
    let (section, page) = (random.pick(SECTIONS), random.pick(PAGES));
    match random.below(3) {
        0 => format!("/{section}/{page}?id={}&q=a%20b", random.below(1_000_000)),
        1 => format!("/{section}/{}/{page}", random.below(100_000)),
        _ => format!("/{section}/{page}"),
    }
}

pub fn referrer(random: &mut Random) -> String {
    format!("{}{}", random.pick(SITES), path(random))
}
